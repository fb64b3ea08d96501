"""Where photo files lie: a folder of ours, or an object store (S3, Tencent COS, Alibaba OSS).

Keys are made by callers, of lower-case letters, digits, `.`, `_`, `-` and `/`. Call none of
this inside a database transaction: a store may take half a minute to say no.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from opendal import AsyncOperator
from opendal import exceptions as refusals
from opendal.config import CosConfig, OssConfig, S3Config
from opendal.layers import MimeGuessLayer, RetryLayer, TimeoutLayer

from app.media.errors import PhotoNotFound, PhotoStoreUnavailable

CONTROL_SECONDS = 5.0
TRANSFER_SECONDS = 10.0
RETRIES = 2
LONGEST_KEY = 512
# Beside the photos, so that a finished file is moved into its place in one step.
INCOMING = ".incoming"

_REQUIRED = {
    "s3": ("bucket", "region", "access_key_id", "secret_access_key"),
    "cos": ("bucket", "endpoint", "secret_id", "secret_key"),
    "oss": ("bucket", "endpoint", "access_key_id", "access_key_secret"),
}
_KNOWN = {
    "s3": frozenset(S3Config.__annotations__),
    "cos": frozenset(CosConfig.__annotations__),
    "oss": frozenset(OssConfig.__annotations__),
}
_part = r"[a-z0-9_-][a-z0-9._-]*"
_key = re.compile(rf"{_part}(?:/{_part})*")

logger = structlog.get_logger()


class PhotoStoreMisconfigured(Exception):
    """The photo store cannot be opened; the message names the setting."""


class PhotoStore:
    """Photo files by key. A key that may not be one is a ValueError.

    A store that does not answer raises PhotoStoreUnavailable, after a few tries.
    """

    def __init__(self, operator: AsyncOperator) -> None:
        self._operator = (
            operator.layer(MimeGuessLayer())
            .layer(TimeoutLayer(timeout=CONTROL_SECONDS, io_timeout=TRANSFER_SECONDS))
            .layer(RetryLayer(max_times=RETRIES, min_delay=0.1, max_delay=1.0, jitter=True))
        )
        self._presigns = operator.capability().presign_read

    async def put(self, key: str, content: bytes) -> None:
        """Keep a file under a key, in place of any other; readers see the one or the other."""
        with _named_failures(_checked(key)):
            await self._operator.write(key, content)

    async def get(self, key: str) -> bytes:
        """Return the file; raises PhotoNotFound."""
        with _named_failures(_checked(key)):
            try:
                return await self._operator.read(key)
            except refusals.NotFound as missing:
                raise PhotoNotFound from missing

    async def delete(self, key: str) -> None:
        """Delete the file, or find that there is none."""
        with _named_failures(_checked(key)):
            await self._operator.delete(key)

    async def presigned_url(self, key: str, seconds: int) -> str | None:
        """Return an address that serves the file for so long; None if the store has none."""
        _checked(key)
        if not self._presigns:
            return None
        with _named_failures(key):
            return (await self._operator.presign_read(key, seconds)).url

    async def list_keys(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys that start with a prefix, which may be empty, in no order."""
        if prefix:
            _checked(prefix.removesuffix("/"))
        with _named_failures(prefix):
            async for entry in await self._operator.list(prefix, recursive=True):
                if not entry.path.endswith("/") and not entry.path.startswith(INCOMING):
                    yield entry.path

    async def delete_unfinished(self, *, before: datetime) -> int:
        """Delete what was begun before then and never moved into its place; return how many.

        Only a folder has such files, of processes that were killed while they wrote.
        """
        deleted = 0
        with _named_failures(INCOMING):
            async for entry in await self._operator.list(f"{INCOMING}/", recursive=True):
                begun_at = entry.metadata.last_modified
                if not entry.path.endswith("/") and begun_at is not None and begun_at < before:
                    await self._operator.delete(entry.path)
                    deleted += 1
        return deleted


def open_store(scheme: str, options: Mapping[str, str], *, folder: Path) -> PhotoStore:
    """Open the folder (`fs`) or an object store (`s3`, `cos`, `oss`) with OpenDAL's options.

    Nothing is connected to yet. Credentials are those given and no others: none are taken from
    the machine's environment.
    """
    if scheme == "fs":
        if unknown := sorted(set(options)):
            raise PhotoStoreMisconfigured(f"the photo folder takes no option: {unknown[0]!r}")
        return _open_folder(folder)
    if scheme not in _REQUIRED:
        known = ", ".join(["fs", *_REQUIRED])
        raise PhotoStoreMisconfigured(f"photo store {scheme!r} is unknown; there are {known}")
    for name in _REQUIRED[scheme]:
        if not options.get(name):
            raise PhotoStoreMisconfigured(f"photo store {scheme!r} needs the option {name!r}")
    for name in sorted(set(options) - _KNOWN[scheme] | set(options) & {"scheme"}):
        raise PhotoStoreMisconfigured(f"photo store {scheme!r} has no option {name!r}")
    closed = {} if scheme == "oss" else {"disable_config_load": "true"}
    try:
        return PhotoStore(AsyncOperator(scheme, **closed | dict(options)))
    except refusals.ConfigInvalid as invalid:
        reason = str(invalid).splitlines()[0]
        raise PhotoStoreMisconfigured(f"photo store {scheme!r}: {reason}") from invalid


def _open_folder(folder: Path) -> PhotoStore:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return PhotoStore(
        AsyncOperator("fs", root=str(folder), atomic_write_dir=str(folder / INCOMING))
    )


def _checked(key: str) -> str:
    if _key.fullmatch(key) is None or ".." in key or len(key) > LONGEST_KEY:
        raise ValueError(f"{key!r} is no key of a photo")
    return key


@contextmanager
def _named_failures(key: str) -> Iterator[None]:
    try:
        yield
    except (refusals.Unexpected, refusals.RateLimited) as failure:
        logger.exception("photo store failed", key=key)
        raise PhotoStoreUnavailable from failure
