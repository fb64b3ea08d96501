"""The command line, run as a person runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app.cli.commands import COMMANDS, app
from app.core.sealing import new_master_key
from tests.support.database import DatabaseServer

RUN = [sys.executable, "-c", "from app.cli import main; main()"]
PATIENCE = 30
ROTATE = ("keys", "rotate", "codes")


def gridpoints(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `gridpoints …` to its end."""
    return subprocess.run(  # noqa: S603 - our own command line
        [*RUN, *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(port: int, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run `gridpoints serve` until the block ends."""
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [*RUN, "serve", "--port", str(port), *words],
        env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_ready(port, process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout and process.stdout.read()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the server did not get ready")


@pytest.fixture
async def outside(migrated: DatabaseServer) -> dict[str, str]:
    """Settings for an outside database that is migrated: the test server's."""
    return {
        "GRIDPOINTS_DATABASE_URL": migrated.url("outside"),
        "GRIDPOINTS_OWNER_DATABASE_URL": migrated.url("outside", "gridpoints_owner"),
        "GRIDPOINTS_MASTER_KEY": new_master_key(),
    }


def test_help_names_every_command() -> None:
    text = gridpoints("--help").stdout

    for command in ("serve", "worker", "migrate", "demo", "keys", "openapi"):
        assert command in text


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_runs_under_the_name_in_the_list(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])

    assert shown.exit_code == 0, shown.output
    assert shown.stdout.split()[2] == name


def test_a_mistyped_command_is_answered_with_the_one_that_may_be_meant() -> None:
    done = CliRunner().invoke(app, ["serv"])

    assert done.exit_code == 2
    assert "No such command 'serv'. Did you mean 'serve'?" in done.output


def test_first_run_shows_a_code_and_sign_ins_and_ctrl_c_ends_everything(folder: Path) -> None:
    port = free_port()
    data_dir = folder / "first run 第一次"

    with serving(port, GRIDPOINTS_DATA_DIR=str(data_dir)) as process:
        second = gridpoints("serve", "--port", str(free_port()), GRIDPOINTS_DATA_DIR=str(data_dir))
        taken = gridpoints("serve", "--port", str(port), GRIDPOINTS_DATA_DIR=str(data_dir))
        signed_in = httpx.post(
            f"http://127.0.0.1:{port}/v1/auth/local", json={"ticket": "resident-1"}
        )
        process.send_signal(signal.SIGINT)
        screen, _ = process.communicate(timeout=PATIENCE)

    assert signed_in.status_code == 200
    assert "▀" in screen
    assert "committee-1" in screen
    assert f"http://127.0.0.1:{port}/docs" in screen
    assert "Traceback" not in screen
    assert process.returncode == 0
    assert (second.returncode, str(process.pid) in second.stderr) == (1, True), second.stderr
    assert (taken.returncode, "--port" in taken.stderr) == (1, True), taken.stderr
    assert not list(data_dir.glob("**/postmaster.pid"))


async def test_an_outside_database_is_migrated_filled_and_served(
    migrated: DatabaseServer, outside: dict[str, str]
) -> None:
    await migrated.create("outside")
    assert gridpoints("migrate", **outside).returncode == 0
    assert "committee-1" in gridpoints("demo", **outside).stdout
    port = free_port()

    with serving(port, **outside):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            refused = await http.post("/v1/auth/local", json={"ticket": "worker-1"})
            communities = (await http.get("/v1/public/communities")).json()

    assert refused.json()["code"] == "local_sign_in_off"
    assert [row["name"] for row in communities["items"]] == ["阳光社区"]
    assert "codes" in gridpoints("keys", "list", **outside).stdout
    rotated = gridpoints("keys", "rotate", "codes", **outside)
    assert "signs codes from" in rotated.stdout
    assert "rotate first" in gridpoints("keys", "revoke", "codes", "1", **outside).stdout


async def test_the_demo_is_served_from_an_outside_database_too(
    migrated: DatabaseServer, folder: Path
) -> None:
    await migrated.create("elsewhere")
    port = free_port()
    environment = {
        "GRIDPOINTS_DATABASE_URL": migrated.url("elsewhere"),
        "GRIDPOINTS_OWNER_DATABASE_URL": migrated.url("elsewhere", "gridpoints_owner"),
        "GRIDPOINTS_DATA_DIR": str(folder / "keys only"),
    }

    with serving(port, "--demo", **environment) as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            signed_in = await http.post("/v1/auth/local", json={"ticket": "resident-60"})
        process.send_signal(signal.SIGINT)
        screen, _ = process.communicate(timeout=PATIENCE)

    assert signed_in.status_code == 200
    assert "the data stays in your database" in screen
    kept = sorted(path.name for path in (folder / "keys only").iterdir())
    assert kept == ["master.key", "photos"]


async def test_another_master_key_than_the_databases_is_refused_before_anything_is_sealed(
    migrated: DatabaseServer, outside: dict[str, str]
) -> None:
    await migrated.create("rekeyed")
    ours = {name: value.replace("outside", "rekeyed") for name, value in outside.items()}
    assert gridpoints("demo", **ours).returncode == 0
    before = gridpoints("keys", "list", **ours).stdout
    another = ours | {"GRIDPOINTS_MASTER_KEY": new_master_key()}

    for words in (("migrate",), ("demo",), ("serve",), ("serve", "--demo"), ROTATE):
        port = () if words[0] != "serve" else ("--port", str(free_port()))
        refused = gridpoints(*words, *port, **another)
        assert (refused.returncode, refused.stdout) == (1, ""), words
        assert "sealed under another master key" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert gridpoints("keys", "list", **ours).stdout == before


@pytest.mark.parametrize("words", [("serve",), ("demo",), ("worker",), ROTATE])
def test_an_outside_database_needs_a_master_key(folder: Path, words: tuple[str, ...]) -> None:
    refused = gridpoints(
        *words,
        GRIDPOINTS_DATABASE_URL="postgresql+asyncpg://nobody@127.0.0.1:1/none",
        GRIDPOINTS_DATA_DIR=str(folder / "unused"),
    )

    assert refused.returncode == 1
    assert "GRIDPOINTS_MASTER_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_wrong_setting_is_named() -> None:
    refused = gridpoints("serve", GRIDPOINTS_ACCESS_TOKEN_MINUTES="0")

    assert refused.returncode == 2
    assert "GRIDPOINTS_ACCESS_TOKEN_MINUTES" in refused.stderr


@pytest.mark.parametrize("words", [("serve",), ("keys", "list"), ROTATE])
def test_a_wrong_setting_is_not_shown_for_it_may_be_a_secret(words: tuple[str, ...]) -> None:
    refused = gridpoints(*words, GRIDPOINTS_WECHAT_APPS='["a-secret-of-ours"]')

    assert refused.returncode == 2
    assert "GRIDPOINTS_WECHAT_APPS" in refused.stderr
    assert "a-secret-of-ours" not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr


def test_the_openapi_documents_are_written_without_touching_a_data_folder(
    folder: Path,
) -> None:
    written = gridpoints(
        "openapi", str(folder / "documents"), GRIDPOINTS_DATA_DIR=str(folder / "untouched")
    )

    assert written.returncode == 0
    whole = json.loads((folder / "documents" / "openapi.json").read_text(encoding="utf-8"))
    assert "/v1/me/check-ins" in whole["paths"]
    assert not (folder / "untouched").exists()
