"""Revoking signing keys: never the last one that signs, whoever else revokes meanwhile."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cli.keys import _revoke
from app.core.signing import PURPOSES, KeyRing, Purpose, add_key
from tests.support.clock import Clock

Maker = async_sessionmaker[AsyncSession]
_LOCKED = """
    SELECT count(*) FROM pg_locks
    WHERE relation = CAST('signing_keys' AS regclass) AND pid = pg_backend_pid()
        AND mode = 'ShareRowExclusiveLock'
"""


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_one_key_that_signs_is_always_left(
    app: FastAPI, sessionmaker: Maker, clock: Clock, purpose: Purpose
) -> None:
    later = clock.now + timedelta(minutes=2)
    ring = KeyRing(app.state.master_key)
    async with sessionmaker() as session:
        second = await add_key(session, app.state.master_key, purpose, active_from=later)
        assert "rotate first" in await _revoke(session, purpose, 1, now=clock.now)
        assert "is revoked" in await _revoke(session, purpose, 1, now=later)
        assert "rotate first" in await _revoke(session, purpose, second.key_id, now=later)
        await ring.load(session, now=later)
    assert len(ring.seal_signers(later)) == 1


async def test_who_revokes_waits_for_another_who_does(
    app: FastAPI, sessionmaker: Maker, clock: Clock
) -> None:
    assert app.state.keys
    async with sessionmaker() as session:
        assert await session.scalar(text(_LOCKED)) == 0
        await _revoke(session, "seals", 1, now=clock.now)
        assert await session.scalar(text(_LOCKED)) == 1
