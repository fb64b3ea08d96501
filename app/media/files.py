"""Asking, within a transaction, for files to be destroyed once it is committed."""

import json
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.jobs import enqueue_all

KEYS_PER_JOB = 100


async def ask_to_destroy(session: AsyncSession, keys: Sequence[str]) -> None:
    """Enqueue `destroy_files` for these keys."""
    batches = [keys[start : start + KEYS_PER_JOB] for start in range(0, len(keys), KEYS_PER_JOB)]
    payloads = {f"destroy_files:{batch[0]}": write_keys(batch) for batch in batches}
    await enqueue_all(session, "destroy_files", payloads)


def write_keys(keys: Sequence[str]) -> bytes:
    return json.dumps(list(keys)).encode()


def read_keys(payload: bytes) -> list[str]:
    """Return the keys a job's payload names."""
    keys: list[str] = json.loads(payload)
    return keys
