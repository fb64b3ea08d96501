"""The server's log: one file and the one before it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGEST = 10_000_000  # bytes, looked at when the server starts
LINES_TO_SHOW = 20
BYTES_TO_SHOW = 8_000


@contextmanager
def opened_log(path: Path) -> Iterator[tuple[int, int]]:
    """Yield the open log and where this run begins in it."""
    if path.exists() and path.stat().st_size > LARGEST:
        path.replace(path.with_name(f"{path.name}.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(path, flags, 0o600)
    try:
        yield file, os.fstat(file).st_size
    finally:
        os.close(file)


def last_lines(path: Path, *, beginning: int) -> list[str]:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(beginning, end - BYTES_TO_SHOW))
        return file.read().decode(errors="replace").splitlines()[-LINES_TO_SHOW:]
