import asyncio
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.embedded import EmbeddedPostgres, ServerAddress


def kill_server(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    server = psutil.Process(pid)
    for process in (server, *server.children(recursive=True)):
        process.kill()


async def write_until_killed(
    address: ServerAddress, *, first: int, kill: Callable[[], None]
) -> list[int]:
    """Insert one row after another, and return those the server acknowledged."""
    url = address.url("gridpoints_owner", "gridpoints")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    acknowledged: list[int] = []
    with contextlib.suppress(DBAPIError):
        async with engine.connect() as connection:
            await connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS entry (n int PRIMARY KEY)")
            for number in range(first, first + 3000):
                await connection.exec_driver_sql("INSERT INTO entry VALUES ($1)", (number,))
                acknowledged.append(number)
                if len(acknowledged) == 300:
                    kill()
    await engine.dispose()
    return acknowledged


@pytest.mark.parametrize("kill", [kill_server, kill_tree])
def test_no_acknowledged_row_is_lost(
    server: EmbeddedPostgres,
    server_pid: Callable[[], int],
    ask: Callable[..., Any],
    kill: Callable[[int], None],
) -> None:
    ask(server.start(), "DROP TABLE IF EXISTS entry", role="gridpoints_owner")
    acknowledged: list[int] = []
    for round_ in range(3):
        address = server.start()
        now = functools.partial(kill, server_pid())
        acknowledged += asyncio.run(write_until_killed(address, first=round_ * 10_000, kill=now))
    rows = ask(server.start(), "SELECT array_agg(n) FROM entry", role="gridpoints_owner")
    assert set(acknowledged) <= set(rows)
    assert len(rows) - len(acknowledged) <= 3  # in doubt: written, and not yet acknowledged


def test_a_killed_server_leaves_no_zombie(
    server: EmbeddedPostgres, server_pid: Callable[[], int]
) -> None:
    server.start()
    killed = psutil.Process(server_pid())
    killed.kill()
    while killed.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    server.start()
    assert not killed.is_running()
    stopped = psutil.Process(server_pid())
    server.stop()
    assert not stopped.is_running()


def test_a_busy_session_of_a_killed_server_is_ended(
    server: EmbeddedPostgres,
    server_pid: Callable[[], int],
    ask: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leave_a_busy_session(address: ServerAddress) -> int:
        engine = create_async_engine(address.url("gridpoints_app", "gridpoints"))
        session = await engine.connect()
        driver = (await session.get_raw_connection()).driver_connection
        assert driver is not None
        busy = asyncio.create_task(driver.execute("DO 'BEGIN LOOP END LOOP; END'"))
        await asyncio.sleep(0.2)
        kill_server(server_pid())
        pid = int(driver.get_server_pid())
        driver.terminate()
        await asyncio.gather(busy, return_exceptions=True)
        await session.invalidate()
        await session.close()
        return pid

    monkeypatch.setattr("app.core.embedded.processes.ORPHAN_PATIENCE", 0.3)
    orphan = psutil.Process(asyncio.run(leave_a_busy_session(server.start())))
    assert orphan.status() != psutil.STATUS_ZOMBIE
    assert ask(server.start(), "SELECT 1") == 1
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["sleep", "postgres"])
def test_a_pid_that_now_belongs_to_another_program_is_left_alone(
    name: str, server: EmbeddedPostgres, home: Path, data_dir: Path, ask: Callable[..., Any]
) -> None:
    server.start()
    server.stop()
    cluster = data_dir / "cluster"
    account = cluster.stat().st_uid
    program = shutil.copy("/bin/sleep", home / name)
    stranger = subprocess.Popen(  # noqa: S603 - a copy of sleep
        [program, "60"],
        cwd=cluster if name == "sleep" else "/",
        user=None if account == os.geteuid() else account,
    )
    stale = f"{stranger.pid}\n{cluster}\n1\n5432\n{data_dir / 'run'}\n\n1 1\nready\n"
    (cluster / "postmaster.pid").write_text(stale)
    (data_dir / "run" / ".s.PGSQL.5432.lock").write_text(stale)
    try:
        assert ask(server.start(), "SELECT 1") == 1
        server.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "12", "not a number\n", "1\n/elsewhere\n"])
def test_a_half_written_pid_file_is_no_obstacle(
    server: EmbeddedPostgres, data_dir: Path, text: str
) -> None:
    server.start()
    server.stop()
    (data_dir / "cluster" / "postmaster.pid").write_text(text)
    server.start()


def test_a_left_over_server_is_found_without_its_pid_file(
    server: EmbeddedPostgres,
    data_dir: Path,
    server_pid: Callable[[], int],
    another_copy: Callable[..., subprocess.Popen[str]],
) -> None:
    killed = another_copy(data_dir)
    left_over = server_pid()
    killed.kill()
    killed.wait()
    (data_dir / "cluster" / "postmaster.pid").write_text("")
    server.start()
    assert server_pid() != left_over
