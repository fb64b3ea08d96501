import asyncio
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.embedded import EmbeddedPostgres, default_data_dir

AS_ROOT = os.geteuid() == 0
QUICK = {"fsync": "off"}


def test_a_new_database_is_in_unicode_and_utc_whatever_the_machine_speaks(
    server: EmbeddedPostgres, ask: Callable[..., Any]
) -> None:
    address = server.start()
    collation = (
        "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'gridpoints'"
    )
    assert ask(address, "SHOW server_encoding") == "UTF8"
    assert ask(address, "SHOW timezone") == "UTC"
    assert ask(address, collation) == "bC.UTF-8"


def test_the_first_role_owns_the_database_and_nobody_has_great_powers(
    server: EmbeddedPostgres, ask: Callable[..., Any]
) -> None:
    address = server.start()
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'gridpoints'"
    assert ask(address, owner) == "gridpoints_owner"
    powers = """
        SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
        FROM pg_roles WHERE rolname LIKE 'gridpoints%'
    """
    assert ask(address, powers) is False
    assert ask(address, "SELECT 1", role="postgres") == 1


def test_starting_twice_changes_nothing(
    server: EmbeddedPostgres, server_pid: Callable[[], int]
) -> None:
    address = server.start()
    first = server_pid()
    assert server.start() == address
    assert server_pid() == first


def test_what_was_written_is_there_after_a_stop(
    server: EmbeddedPostgres, ask: Callable[..., Any]
) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 7 AS n", role="gridpoints_owner")
    server.stop()
    assert ask(server.start(), "SELECT n FROM kept", role="gridpoints_owner") == 7
    ask(server.start(), "DROP TABLE kept", role="gridpoints_owner")


def test_nothing_listens_on_a_network_even_when_settings_ask_for_it(
    data_dir: Path, ask: Callable[..., Any]
) -> None:
    settings = QUICK | {"listen_addresses": "*", "work_mem": "5MB"}
    with EmbeddedPostgres(data_dir, settings=settings) as address:
        assert ask(address, "SHOW listen_addresses") == ""
        assert ask(address, "SHOW work_mem") == "5MB"


async def current_user(url: str) -> str:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT current_user::text")
        name = str(found.scalar_one())
    await engine.dispose()
    return name


@pytest.fixture
def moved(data_dir: Path, home: Path) -> Iterator[Callable[[str], Path]]:
    """Move the data folder to another name for the time of a test."""
    moved_to: list[Path] = []

    def move(name: str) -> Path:
        moved_to.append(data_dir.rename(home / name))
        return moved_to[0]

    yield move
    moved_to[0].rename(data_dir)


@pytest.mark.parametrize("name", ["邻里 积分", "a?&%20+:c@d#;=", "c:\\'quoted'"])
def test_any_path_works_in_a_url(name: str, moved: Callable[[str], Path]) -> None:
    folder = moved(name)
    with EmbeddedPostgres(folder, settings=QUICK) as address:
        assert address.socket_dir == folder / "run"
        url = address.url("gridpoints_app", "gridpoints")
        assert asyncio.run(current_user(url)) == "gridpoints_app"


@pytest.mark.parametrize("name", ["long" * 30, "a,b", 'a"b', os.fsdecode(b"\xc1\xda")])
def test_a_path_that_cannot_name_a_socket_gets_a_private_folder_elsewhere(
    name: str, moved: Callable[[str], Path]
) -> None:
    folder = moved(name)
    with EmbeddedPostgres(folder, settings=QUICK) as address:
        assert not address.socket_dir.is_relative_to(folder)
        assert stat.S_IMODE(address.socket_dir.stat().st_mode) == 0o700
        url = address.url("gridpoints_owner", "gridpoints")
        assert asyncio.run(current_user(url)) == "gridpoints_owner"
    assert not address.socket_dir.exists()


def test_the_callers_locale_does_not_matter(
    home: Path, another_copy: Callable[..., subprocess.Popen[str]]
) -> None:
    copies = [
        another_copy(home / f"邻里 {locale}", ready=False, LC_ALL=locale, LANG=locale)
        for locale in ("zh_CN.GBK", "nonsense", "C")
    ]
    told = [copy.communicate("")[0] for copy in copies]
    assert told == ["ready\n"] * 3
    assert [copy.returncode for copy in copies] == [0, 0, 0]


def test_postgres_variables_of_the_caller_do_not_matter(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGHOST": "192.0.2.1", "PGPORT": "1", "PGOPTIONS": "-c x=y"}.items():
        monkeypatch.setenv(name, value)
    server.start()


def test_other_users_can_open_nothing(server: EmbeddedPostgres, data_dir: Path) -> None:
    parent = stat.S_IMODE(data_dir.parent.stat().st_mode)
    server.start()
    closed = 0o027 if AS_ROOT else 0o077
    modes = {path: path.lstat().st_mode for path in (data_dir, *data_dir.rglob("*"))}
    assert [path for path, mode in modes.items() if mode & closed] == []
    assert stat.S_IMODE(data_dir.stat().st_mode) == (0o710 if AS_ROOT else 0o700)
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == parent


def test_a_ctrl_c_in_the_terminal_does_not_reach_the_server(
    server: EmbeddedPostgres, server_pid: Callable[[], int]
) -> None:
    server.start()
    assert os.getsid(server_pid()) != os.getsid(0)
    assert os.getpgid(server_pid()) != os.getpgrp()


def test_the_log_is_bounded_at_every_start(server: EmbeddedPostgres, data_dir: Path) -> None:
    (data_dir / "server.log").write_bytes(b"x" * 10_000_001)
    server.start()
    assert (data_dir / "server.log").stat().st_size < 10_000
    assert (data_dir / "server.log.1").stat().st_size == 10_000_001


def test_data_lies_in_a_place_of_its_own() -> None:
    expected = Path("/var/lib/gridpoints") if AS_ROOT else Path.home()
    assert default_data_dir().is_relative_to(expected)
    assert default_data_dir().name == "gridpoints"
