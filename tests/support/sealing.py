"""Sealing what has been posted, as the worker's job does every half minute."""

from datetime import UTC, datetime

from fastapi import FastAPI

from app.core.signing import KeyRing
from app.ledger.seals.jobs import seal_transfers
from app.ledger.seals.notes import KeyKind, VerifierKey, verifier_key

ADDRESS = "https://points.example.cn"
# Later than any key becomes active.
MUCH_LATER = datetime(2100, 1, 1, tzinfo=UTC)


def verifier_keys(keys: KeyRing, origin: str) -> list[VerifierKey]:
    """Return what the two youngest keys for seals are verified by, under a log's name."""
    return [verifier_key(origin, KeyKind.LOG, key) for key in keys.seal_signers(MUCH_LATER)]


async def seal_all(app: FastAPI, *, now: datetime) -> int:
    """Seal every transfer that waits on the application's database; return how many."""
    state = app.state
    keys = KeyRing(state.master_key)
    return await seal_transfers(
        state.sessionmaker, keys, public_base_url=ADDRESS, clock=lambda: now
    )
