"""Going back below the seals and coming again: everything is sealed anew, nothing is left out."""

from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.database import make_sessionmaker
from app.core.sealing import new_master_key, parse_master_key
from app.core.signing import KeyRing, ensure_keys
from app.ledger.seals.jobs import seal_transfers
from tests.conftest import NOW
from tests.migrations.conftest import Scratch
from tests.migrations.test_money_rules import add_old_books, read

BEFORE, AFTER = "0006", "0007"
QUEUE_ALL = "INSERT INTO seal_queue SELECT community_id, transfer_id FROM transfers"
FORGET_ONE = "UPDATE transfers SET salt = NULL WHERE transfer_id = 12"


async def seal(owner: AsyncEngine) -> int:
    sessions = make_sessionmaker(owner)
    key = parse_master_key(new_master_key())
    async with sessions.begin() as session:
        await ensure_keys(session, key, now=NOW)
    return await seal_transfers(
        sessions, KeyRing(key), public_base_url="https://points.example.cn", clock=lambda: NOW
    )


async def test_what_was_sealed_waits_again_below_and_is_sealed_anew_above(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, "0004")
    await add_old_books(scratch)
    await scratch.run(command.upgrade, AFTER)
    async with scratch.owner.begin() as connection:
        await connection.execute(text(QUEUE_ALL))
    assert await seal(scratch.owner) == 3
    async with scratch.owner.begin() as connection:
        await connection.execute(text(FORGET_ONE))
        await connection.execute(text("DELETE FROM signing_keys"))

    await scratch.run(command.downgrade, BEFORE)

    waiting = "SELECT transfer_id, salt IS NULL FROM transfers JOIN seal_queue"
    waiting += " USING (community_id, transfer_id) ORDER BY transfer_id"
    assert await read(scratch, waiting) == [(11, False), (12, False), (13, False)]
    lengths = "SELECT octet_length(salt) FROM transfers ORDER BY transfer_id"
    assert await read(scratch, lengths) == [(1,), (16,), (1,)]

    await scratch.run(command.upgrade, AFTER)
    assert await seal(scratch.owner) == 3
    leaves = "SELECT leaf_index, transfer_id FROM seals ORDER BY leaf_index"
    assert await read(scratch, leaves) == [(0, 11), (1, 12), (2, 13)]
