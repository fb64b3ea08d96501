"""Sealing: what waits becomes leaves, once, in order, and system accounts add up."""

from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.signing import KeyRing, add_key
from app.ledger.seals import service
from app.ledger.seals.entries import canonical, entry_of
from app.ledger.seals.jobs import seal_transfers
from app.ledger.seals.merkle import leaf_hash, root_of
from app.ledger.seals.notes import KeyKind, VerifierKey, parse_note
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import ADDRESS, seal_all


async def test_everything_posted_is_sealed_in_order_and_the_head_is_signed(
    app: FastAPI, here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    for units in (1, 2, 3):
        await here.give("resident-1", "volunteer_hour", units=units)
    sealed = await seal_all(app, now=clock.now)
    assert sealed == 3
    of = {"community": here.community_id}
    transfers = (
        await session.execute(
            text(
                "SELECT transfers.*, leaf_index, leaf_hash FROM transfers"
                " JOIN seals USING (community_id, transfer_id)"
                " WHERE community_id = :community ORDER BY transfer_id"
            ),
            of,
        )
    ).all()
    assert [row.leaf_index for row in transfers] == [0, 1, 2]
    leaves = [leaf_hash(canonical(entry_of(row))) for row in transfers]
    assert leaves == [row.leaf_hash for row in transfers]
    note = await session.scalar(text("SELECT note FROM checkpoints WHERE size = 3"))
    checkpoint, _ = parse_note(note or "")
    assert checkpoint.origin == f"points.example.cn/communities/{here.community_id}"
    assert (checkpoint.size, checkpoint.root) == (3, root_of(leaves))
    assert await seal_all(app, now=clock.now) == 0


async def test_a_key_that_is_revoked_meanwhile_signs_no_further_batch(
    app: FastAPI,
    here: Neighbourhood,
    session: AsyncSession,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BATCH", 1)
    state = app.state
    async with state.sessionmaker.begin() as adding:
        fresh = await add_key(adding, state.master_key, "seals", active_from=clock.now)
        stolen = (
            "UPDATE signing_keys SET revoked_at = :at WHERE purpose = 'seals' AND key_id <> :id"
        )
        at = clock.now + timedelta(seconds=30)
        await adding.execute(text(stolen), {"at": at, "id": fresh.key_id})
    for _ in range(2):
        await here.give("resident-1", "volunteer_hour")

    def tick() -> datetime:
        return clock.advance(seconds=20)

    keys = KeyRing(state.master_key)
    await seal_transfers(state.sessionmaker, keys, public_base_url=ADDRESS, clock=tick)
    notes = (await session.scalars(text("SELECT note FROM checkpoints ORDER BY size"))).all()
    signatures = [parse_note(note)[1] for note in notes]
    assert [len(signed) for signed in signatures] == [2, 1]
    origin = parse_note(notes[0])[0].origin
    key = VerifierKey(origin, KeyKind.LOG, fresh.public_key)
    assert signatures[1][0].key_id == key.key_id


async def test_a_transfer_that_lost_its_salt_before_it_was_sealed_holds_up_nobody(
    app: FastAPI, here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    for _ in range(2):
        await here.give("resident-1", "volunteer_hour")
    waiting = "SELECT transfer_id FROM seal_queue ORDER BY transfer_id"
    broken, whole = (await session.scalars(text(waiting))).all()
    forget = "UPDATE transfers SET salt = NULL WHERE transfer_id = :broken"
    await session.execute(text(forget), {"broken": broken})
    await session.commit()

    assert await seal_all(app, now=clock.now) == 1
    assert (await session.scalars(text("SELECT transfer_id FROM seals"))).all() == [whole]
    assert (await session.scalars(text(waiting))).all() == [broken]
