import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.embedded import AlreadyRunning, EmbeddedPostgres


def test_a_second_copy_is_told_who_is_running(
    server: EmbeddedPostgres,
    data_dir: Path,
    another_copy: Callable[..., subprocess.Popen[str]],
) -> None:
    running = another_copy(data_dir)
    with pytest.raises(AlreadyRunning, match=f"as process {running.pid}") as refusal:
        server.start()
    assert refusal.value.pid == running.pid
    running.communicate("")
    server.start()


def test_a_refused_copy_leaves_the_running_one_alone(
    server: EmbeddedPostgres, data_dir: Path, ask: Callable[..., Any]
) -> None:
    address = server.start()
    with pytest.raises(AlreadyRunning, match=f"as process {os.getpid()}"):
        EmbeddedPostgres(data_dir).start()
    assert ask(address, "SELECT 1") == 1


def test_a_server_that_outlives_its_python_is_replaced(
    server: EmbeddedPostgres,
    data_dir: Path,
    server_pid: Callable[[], int],
    ask: Callable[..., Any],
    another_copy: Callable[..., subprocess.Popen[str]],
) -> None:
    killed = another_copy(data_dir)
    left_over = psutil.Process(server_pid())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert left_over.is_running()

    address = server.start()

    assert server_pid() != left_over.pid
    assert not left_over.is_running() or left_over.status() == psutil.STATUS_ZOMBIE
    assert ask(address, "SELECT 1") == 1


def test_a_left_over_server_is_known_even_where_root_may_not_look_into_it(
    server: EmbeddedPostgres,
    data_dir: Path,
    server_pid: Callable[[], int],
    another_copy: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    killed = another_copy(data_dir)
    left_over = server_pid()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    monkeypatch.setattr(psutil.Process, "cwd", refuse)
    server.start()
    assert server_pid() != left_over


def test_a_kill_in_the_middle_of_the_first_start_leaves_nothing_half_made(
    home: Path, another_copy: Callable[..., subprocess.Popen[str]]
) -> None:
    fresh = home / "fresh"
    killed = another_copy(fresh, ready=False)
    while not list(fresh.glob("cluster.new-*/base")):
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (fresh / "cluster").exists()
    server = EmbeddedPostgres(fresh, settings={"fsync": "off"})
    for _ in range(2):
        server.start()
        server.stop()
    assert list(fresh.glob("cluster.new-*")) == []
