"""A real `gridpoints serve` on a data folder of its own, to be killed and started again.

A `gridpoints worker` runs beside it, as where the database is elsewhere.
"""

import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from app.cli.database import DATABASE, urls_of
from app.core.embedded.configuration import SUPERUSER
from app.core.embedded.server import ServerAddress
from app.core.sealing import master_key_in

COMMAND = [sys.executable, "-c", "from app.cli import main; main()"]
REPOSITORY = Path(__file__).parents[2]
STOP_PATIENCE = 60
WORKER_USER = SUPERUSER


class Service:
    """One service; `folder` is an empty folder that the database's account may pass."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "serve.log"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"The service's last words:\n{self.last_words()}")
        self.stop()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it with the settings that everybody has; it is not ready yet."""
        self._process = self._run("serve", "--port", str(self.port))

    def start_worker(self) -> None:
        """Start a worker of its own; the database must be there.

        It signs in as WORKER_USER and takes the service's role, as every process does: so the
        database can tell its sessions from those of the worker within the service.
        """
        key = base64.b64encode(master_key_in(self.data_dir).secret).decode()
        self._worker = self._run(
            "worker",
            GRIDPOINTS_DATABASE_URL=self._address.url(WORKER_USER, DATABASE),
            GRIDPOINTS_MASTER_KEY=key,
        )

    @property
    def database_url(self) -> str:
        """The database's address, as the service's own role."""
        return urls_of(self._address).service

    @property
    def _address(self) -> ServerAddress:
        return ServerAddress(self.data_dir / "run", 5432)

    def _run(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        theirs = {name: value for name, value in os.environ.items() if "GRIDPOINTS" not in name}
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command line
                [*COMMAND, *words],
                cwd=REPOSITORY,
                env=theirs | {"GRIDPOINTS_DATA_DIR": str(self.data_dir)} | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_worker(self) -> None:
        """Kill -9 the worker, whatever it does (see Clearing.kill_at_work), and start it again."""
        assert self._worker is not None
        self._worker.kill()
        self._worker.wait()
        self.start_worker()

    def kill_api(self) -> None:
        """Kill -9 the API; its database stays behind, an orphan. Then start the API again."""
        self.process.kill()
        self.process.wait()
        self.start()

    def kill_postmaster(self) -> None:
        """Kill -9 the PostgreSQL server; its sessions go on until they notice, the API lives."""
        (server,) = self._database_servers()
        server.kill()

    def kill_database(self) -> None:
        """Kill -9 all of PostgreSQL, sessions in the middle of a commit included."""
        (server,) = self._database_servers()
        for process in (server, *server.children()):
            process.kill()

    def stop(self) -> None:
        """Stop it in order; end what a failed test left behind."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            for server in list(self._database_servers()):
                server.kill()

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def _database_servers(self) -> Iterator[psutil.Process]:
        """Find servers of our data folder, whosever children they are by now."""
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if words[1:3] == ["-D", str(self.data_dir / "cluster")]:
                yield process


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_service(folder: Path) -> Iterator[Service]:
    """Run a service in a folder until the block ends."""
    folder.chmod(0o711)  # under root another account runs PostgreSQL and must get through
    with Service(folder) as service:
        yield service
