"""The processes beside PostgreSQL: the API and the driver; and what processes have cost."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.errors import BenchFailed
from tests.bench.plan import HOST, Answers, Job

REPOSITORY = Path(__file__).parents[2]
SERVE = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port"]
PATIENCE = 60.0
PAUSE = 0.05
ATTEMPTS = 100
LAST_LINES = 30
SHOWN = 500


@dataclass(frozen=True, slots=True)
class Api:
    """A running API."""

    pid: int
    port: int


def cpu_seconds(pid: int) -> float:
    """Return what a process and all below it have used, those that ended included.

    What a child used goes over to its parent when that learns of its end. If this happens in the
    middle, it is counted twice or not at all; then count again.
    """
    process = psutil.Process(pid)
    for _ in range(ATTEMPTS):
        before = ended_seconds(process)
        with suppress(psutil.NoSuchProcess):
            members = (process, *process.children(recursive=True))
            used = sum(ended_seconds(member) + own_seconds(member) for member in members)
            if ended_seconds(process) == before:
                return used
    raise BenchFailed(f"The children of process {pid} come and go too fast to be counted.")


def own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def ended_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.children_user + times.children_system


def children_seconds() -> float:
    """Return what our children that ended have used: between two calls, one program's share."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def running_api(database_url: str, master_key: str, folder: Path) -> Iterator[Api]:
    """Run `gridpoints serve` with one worker, and photos in a new folder, until the block ends."""
    folder.mkdir()
    port, log = free_port(), folder / "log"
    ours = {
        "DATABASE_URL": database_url,
        "MASTER_KEY": master_key,
        "LOG_LEVEL": "warning",
        "DATA_DIR": str(folder),
    }
    theirs = {name: value for name, value in os.environ.items() if "GRIDPOINTS_" not in name}
    with log.open("wb") as file, subprocess.Popen(  # noqa: S603 - our own command line
        [*SERVE, str(port)],
        cwd=REPOSITORY,
        env=theirs | {f"GRIDPOINTS_{name}": value for name, value in ours.items()},
        stdin=subprocess.DEVNULL,
        stdout=file,
        stderr=file,
        start_new_session=True,  # a Ctrl-C is ours to pass on
    ) as process:  # fmt: skip
        try:
            wait_until_ready(process, port)
            yield Api(process.pid, port)
        except BaseException as error:
            if words := last_words(log):
                error.add_note(f"The API's last words:\n{words}")
            raise
        finally:
            end(process)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        with suppress(OSError):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                connection.close()
                return
        connection.close()
        time.sleep(PAUSE)
    raise BenchFailed("The API did not start.")


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


def last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(line[:SHOWN] for line in lines)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Driver:
    """Our own driver's process, from this side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, job: Job) -> Answers:
        """Let it do a job; raises BenchFailed unless every answer was the expected one."""
        jobs, answers = self._process.stdin, self._process.stdout
        if jobs is None or answers is None:
            raise BenchFailed("The driver has no pipes.")
        jobs.write(job.as_json() + "\n")
        jobs.flush()
        line = answers.readline()
        answer = json.loads(line or '{"failed": "the driver ended"}')
        if "failed" in answer:
            raise BenchFailed(answer["failed"])
        return Answers(**answer)


@contextmanager
def running_driver() -> Iterator[Driver]:
    """Run the driver until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.driver"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Driver(process)
        finally:
            process.kill()
