from collections.abc import Sequence
from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be had; the message says what to do."""


class AlreadyRunning(EmbeddedPostgresError):
    """Another copy holds the lock of the data folder."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"GridPoints already runs on {data_dir}, as {who}. "
            "Stop that copy first, or give this one another data folder."
        )
        self.pid = pid


class ServerDidNotStart(EmbeddedPostgresError):
    """PostgreSQL ended, or was not ready in time."""

    def __init__(self, log: Path, last_lines: Sequence[str]) -> None:
        told = "\n".join(f"  {line}" for line in last_lines) or "  (nothing)"
        super().__init__(
            f"PostgreSQL did not start. The end of its log, {log}, says what to put right:\n{told}"
        )
        self.last_lines = tuple(last_lines)


class DataDirUnusable(EmbeddedPostgresError):
    """The data folder is not one this installation can work in."""
