import fcntl
import os
from pathlib import Path

from app.core.embedded.errors import AlreadyRunning, DataDirUnusable


class Lock:
    """Held by one process at a time and let go by the kernel, however that process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        if self._file is not None:
            return
        # Not inheritable: a server that outlives us must not keep the lock.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        except BlockingIOError:
            told = os.pread(file, 20, 0).strip()
            os.close(file)
            pid = int(told) if told.isdigit() else None
            raise AlreadyRunning(self._path.parent, pid) from None
        except OSError as error:
            os.close(file)
            raise DataDirUnusable(
                f"{self._path} cannot be locked ({error.strerror}). "
                "Put the data folder on a local disk."
            ) from error
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
