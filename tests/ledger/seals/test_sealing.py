"""Sealing: what waits becomes leaves, once, in order, and system accounts add up."""

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.seals.entries import canonical, entry_of
from app.ledger.seals.merkle import leaf_hash, root_of
from app.ledger.seals.notes import parse_note
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all


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
