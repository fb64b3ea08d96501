"""What a witness remembers of a log: the last checkpoint it has signed, in a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.core.embedded.errors import AlreadyRunning, DataDirUnusable
from app.core.embedded.lock import Lock
from app.ledger.seals.notes import MOST_BYTES, Checkpoint, NoteInvalid, parse_note

DIGITS_OF_NAME = 12


class MemoryUnusable(Exception):
    """What was remembered cannot be read, or nothing can be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A signed checkpoint that was seen and found in order."""

    note: str
    checkpoint: Checkpoint


class Memory:
    """The file of one log; it holds nothing but the signed note."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def kept_to_ourselves(self) -> Iterator[None]:
        """Keep a second witness off the file: two could sign two histories between them."""
        lock = Lock(self._path.with_name(f"{self._path.name}.lock"))
        try:
            lock.acquire()
        except AlreadyRunning as taken:
            raise MemoryUnusable(f"another witness is at work with {self._path}") from taken
        except (OSError, DataDirUnusable) as failure:
            raise MemoryUnusable(f"no lock can be had beside {self._path}") from failure
        try:
            yield
        finally:
            lock.release()

    def recall(self) -> Remembered | None:
        """Return the last checkpoint; None where there is no file yet, never where it is spoilt."""
        try:
            with self._path.open("rb") as file:
                note = file.read(MOST_BYTES + 1).decode()
            checkpoint, _ = parse_note(note)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, NoteInvalid) as failure:
            raise MemoryUnusable(
                f"{self._path} cannot be read as a checkpoint: put it back from a copy. Without "
                "it nothing of before can be compared"
            ) from failure
        return Remembered(note, checkpoint)

    def remember(self, note: str) -> None:
        """Replace what is remembered, whole or not at all; on the disk when this returns."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            _write_through(fresh, note)
            fresh.replace(self._path)
            _write_folder_through(self._path.parent)
        except OSError as failure:
            raise MemoryUnusable(f"{self._path} cannot be written: {failure.strerror}") from failure

    def keep_evidence(self, note: str) -> Path:
        """Keep a note beside the file, under a name made of its hash; return where."""
        name = sha256(note.encode(errors="replace")).hexdigest()[:DIGITS_OF_NAME]
        path = self._path.with_name(f"{self._path.name}.evidence-{name}.note")
        try:
            _write_through(path, note)
        except OSError as failure:
            raise MemoryUnusable(f"{path} cannot be written: {failure.strerror}") from failure
        return path


def _write_through(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode(errors="replace"))
        file.flush()
        os.fsync(file.fileno())


def _write_folder_through(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
