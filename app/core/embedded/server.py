"""The server of one data folder, from its first start to its stop."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlencode

from app.core.embedded.account import Account
from app.core.embedded.binaries import Binaries, choose_binaries
from app.core.embedded.cluster import ensure_cluster
from app.core.embedded.commands import run, spawn
from app.core.embedded.configuration import SUPERUSER, server_arguments, write_configuration
from app.core.embedded.errors import DataDirUnusable, EmbeddedPostgresError, ServerDidNotStart
from app.core.embedded.folders import Layout, claim, hand_over
from app.core.embedded.lock import Lock
from app.core.embedded.log import last_lines, opened_log
from app.core.embedded.processes import KILL_PATIENCE, SHUTDOWN_PATIENCE, end_left_over
from app.core.embedded.server_account import choose_account
from app.core.embedded.socket_folder import PORT, close_socket_folder, open_socket_folder

START_PATIENCE = 600.0  # seconds: recovery after a kill replays up to max_wal_size
SHORTEST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
CREATE_WHAT_IS_MISSING = r"""
SELECT format('CREATE ROLE %I LOGIN', role) FROM unnest(string_to_array(:'roles', ',')) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
"""


@dataclass(frozen=True)
class ServerAddress:
    """A Unix socket; the port is only part of its name."""

    socket_dir: Path
    port: int

    def url(self, role: str, database: str) -> str:
        where = urlencode({"host": str(self.socket_dir), "port": self.port}, quote_via=quote)
        return f"postgresql+asyncpg://{quote(role, safe='')}@/{quote(database, safe='')}?{where}"


@dataclass(frozen=True)
class Running:
    """A server of ours, and what it takes to talk to it."""

    process: subprocess.Popen[bytes]
    address: ServerAddress
    account: Account
    binaries: Binaries

    def run_client(
        self, name: str, *options: str, script: str = ""
    ) -> subprocess.CompletedProcess[str]:
        socket = (f"--host={self.address.socket_dir}", f"--port={self.address.port}")
        whom = (f"--username={SUPERUSER}", f"--dbname={SUPERUSER}")
        command = [str(self.binaries.program(name)), *socket, *whom, *options]
        return run(self.account, command, script=script)

    def becomes_ready(self) -> bool:
        """Wait while it lives: a recovery takes long, a death is known at once."""
        deadline = time.monotonic() + START_PATIENCE
        pause = SHORTEST_PAUSE
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.run_client("pg_isready", "--quiet", "--timeout=3").returncode == 0:
                return True
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return False

    def create_what_is_missing(self, roles: Sequence[str], database: str) -> None:
        names = {"roles": ",".join(roles), "owner": roles[0], "database": database}
        values = (f"--set={name}={value}" for name, value in names.items())
        done = self.run_client(
            "psql", "-X", "-q", "--set=ON_ERROR_STOP=1", *values, script=CREATE_WHAT_IS_MISSING
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(
                "The roles and the database of GridPoints could not be created. "
                f"Put right what PostgreSQL says:\n{done.stderr.strip()}"
            )

    def end(self) -> None:
        """Stop it with a last checkpoint, or without one when that takes too long."""
        for request, patience in (
            (signal.SIGINT, SHUTDOWN_PATIENCE),
            (signal.SIGQUIT, KILL_PATIENCE),
        ):
            self.process.send_signal(request)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            return


class EmbeddedPostgres:
    """A PostgreSQL server on a data folder of its own; the first of the roles owns the database.

    It blocks while it starts and stops: call it outside the event loop. A server that was killed
    comes back with another `start()`.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        roles: Sequence[str] = ("gridpoints_owner", "gridpoints_app"),
        database: str = "gridpoints",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._layout = Layout(data_dir.resolve())
        self._roles = tuple(roles)
        self._database = database
        self._settings = dict(settings or {})
        self._lock = Lock(self._layout.lock)
        self._running: Running | None = None

    def start(self) -> ServerAddress:
        """Return when the server answers and the roles and the database are there."""
        if self._running is not None:
            if self._running.becomes_ready():
                return self._running.address
            self.stop()
        claim(self._layout)
        try:
            self._lock.acquire()
            return self._bring_up()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise DataDirUnusable(
                    f"The data folder {self._layout.data_dir} cannot be used: {error}. "
                    "Check its permissions and the free space on its disk."
                ) from error
            raise

    def is_alive(self) -> bool:
        """Tell whether the server's process is there, without talking to it."""
        return self._running is not None and self._running.process.poll() is None

    def stop(self) -> None:
        """Shut down with a last checkpoint and let go of the data folder."""
        running, self._running = self._running, None
        try:
            if running is not None:
                running.end()
                # Sessions outlive a server that was killed.
                end_left_over(self._layout.cluster, running.account)
                close_socket_folder(self._layout)
        finally:
            self._lock.release()

    def __enter__(self) -> ServerAddress:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _bring_up(self) -> ServerAddress:
        layout = self._layout
        account = choose_account(layout.cluster)
        hand_over(layout, account)
        end_left_over(layout.cluster, account)
        binaries = choose_binaries(account, layout.data_dir)
        careless = ("--no-sync",) if self._settings.get("fsync") == "off" else ()
        ensure_cluster(layout, account, binaries, options=careless)
        write_configuration(layout, account, roles=self._roles, settings=self._settings)
        address = ServerAddress(open_socket_folder(layout, account), PORT)
        command = [str(binaries.program("postgres")), *server_arguments(layout, address.socket_dir)]
        with opened_log(layout.log) as (file, beginning):
            process = spawn(account, command, folder=layout.cluster, log=file)
        self._running = Running(process, address, account, binaries)
        if not self._running.becomes_ready():
            raise ServerDidNotStart(layout.log, last_lines(layout.log, beginning=beginning))
        self._running.create_what_is_missing(self._roles, self._database)
        return address
