"""Sealing what has been posted, as the worker's job does every half minute."""

from datetime import datetime

from fastapi import FastAPI

from app.core.signing import KeyRing
from app.ledger.seals.jobs import seal_transfers

ADDRESS = "https://points.example.cn"


async def seal_all(app: FastAPI, *, now: datetime) -> int:
    """Seal every transfer that waits on the application's database; return how many."""
    state = app.state
    keys = KeyRing(state.master_key)
    return await seal_transfers(
        state.sessionmaker, keys, public_base_url=ADDRESS, clock=lambda: now
    )
