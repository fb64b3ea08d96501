"""A photo's two files: the picture that is served, and the original, sealed.

A key tells what a file belongs to and when it was made, so that one which no row names can be
told from one whose row is about to be written:

    served/<community>/<yyyymm>/<photo>-<seconds, 8 hex><8 random hex>.jpg
    originals/<community>/<yyyymm>/<photo>-<seconds, 8 hex><8 random hex>.sealed
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.sealing import MasterKey
from app.media.errors import PhotoStoreUnavailable
from app.media.images import Box, CleanPhoto, clean_photo, redact
from app.media.storage import PhotoStore

FOLDERS = ("served/", "originals/")
PURPOSE = "photo originals"
MARK_LENGTH = 8
# Each picture in work takes up to 100 MB, so no more than these at once in a process.
AT_ONCE = 2
# Each file in memory takes up to 20 MB, sealed and unsealed; whoever waits has theirs on the disk.
TAKEN_IN_AT_ONCE = 8
# A phone gives up after a minute, and a store that hangs must not gather a crowd.
LONGEST_WAIT_SECONDS = 20.0

_key = re.compile(
    r"(?:served|originals)/(\d{1,19})/\d{6}/(\d{1,19})-([0-9a-f]{8})[0-9a-f]{8}\.(?:jpg|sealed)"
)


@dataclass(frozen=True, slots=True)
class FileName:
    """What a key says of its file."""

    community_id: int
    photo_id: int
    made_at: datetime


def new_key(folder: str, community_id: int, photo_id: int, *, now: datetime) -> str:
    """Return a key that no other file has; `folder` is "served" or "originals"."""
    suffix = "jpg" if folder == "served" else "sealed"
    made = f"{int(now.timestamp()):08x}{secrets.token_hex(4)}"
    return f"{folder}/{community_id}/{now.astimezone(UTC):%Y%m}/{photo_id}-{made}.{suffix}"


def read_key(key: str) -> FileName | None:
    """Return what a key says; None if it is none of ours."""
    found = _key.fullmatch(key)
    if found is None:
        return None
    made_at = datetime.fromtimestamp(int(found[3], 16), UTC)
    return FileName(int(found[1]), int(found[2]), made_at)


def file_mark(key: str) -> str:
    """Return what tells a photo's files from one another, and nothing else."""
    return key.rpartition(".")[0][-MARK_LENGTH:]


class PhotoKeeper:
    """Cleans and keeps photos. Call none of it inside a transaction.

    Hold `room` while an upload is in memory.
    """

    def __init__(self, store: PhotoStore, master_key: MasterKey) -> None:
        self.store = store
        self._master_key = master_key
        self._in_work = asyncio.Semaphore(AT_ONCE)
        self._taken_in = asyncio.Semaphore(TAKEN_IN_AT_ONCE)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Make room for an upload in memory; PhotoStoreUnavailable if there is none in time."""
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._taken_in.acquire()
        except TimeoutError:
            raise PhotoStoreUnavailable from None
        try:
            yield
        finally:
            self._taken_in.release()

    async def clean(self, content: bytes) -> CleanPhoto:
        """Clean a photo in a thread; see images.clean_photo."""
        async with self._in_work:
            return await asyncio.to_thread(clean_photo, content)

    async def keep_served(
        self, community_id: int, photo_id: int, jpeg: bytes, *, now: datetime
    ) -> str:
        """Store a picture to be shown; return its key."""
        key = new_key("served", community_id, photo_id, now=now)
        await self.store.put(key, jpeg)
        return key

    async def keep_original(
        self, community_id: int, photo_id: int, content: bytes, *, now: datetime
    ) -> str:
        """Seal and store the file as it came; return its key."""
        key = new_key("originals", community_id, photo_id, now=now)
        sealed = self._master_key.seal(PURPOSE, content, bound_to=key.encode())
        await self.store.put(key, sealed)
        return key

    async def redacted(self, served_key: str, boxes: Sequence[Box]) -> bytes:
        """Return a picture with the boxes black."""
        jpeg = await self.store.get(served_key)
        async with self._in_work:
            return await asyncio.to_thread(redact, jpeg, boxes)

    async def original(self, original_key: str) -> bytes:
        """Return the original as a JPEG without metadata."""
        sealed = await self.store.get(original_key)
        content = self._master_key.open(PURPOSE, sealed, bound_to=original_key.encode())
        return (await self.clean(content)).jpeg

    async def destroy(self, keys: Iterable[str]) -> None:
        """Delete files, or find that they are gone."""
        for key in keys:
            await self.store.delete(key)
