"""The floor: what PostgreSQL alone takes to move the same rows out of a queue and into seals.

Nothing is read of a transfer, hashed or signed: a hash of 32 bytes stands for the leaf.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COPIES = (
    "CREATE TABLE floor_queue (LIKE seal_queue INCLUDING ALL)",
    "CREATE TABLE floor_seals (LIKE seals INCLUDING ALL)",
    "CREATE SEQUENCE floor_leaves MINVALUE 0",
    "INSERT INTO floor_queue SELECT * FROM seal_queue",
    "GRANT ALL ON floor_queue, floor_seals TO gridpoints_app",
    "GRANT ALL ON SEQUENCE floor_leaves TO gridpoints_app",
)
_MOVE = """
    WITH next AS MATERIALIZED (
        SELECT transfer_id FROM floor_queue
        WHERE community_id = :community_id ORDER BY transfer_id LIMIT :size),
    taken AS (
        DELETE FROM floor_queue USING next
        WHERE community_id = :community_id AND floor_queue.transfer_id = next.transfer_id
        RETURNING floor_queue.transfer_id),
    moved AS (
        INSERT INTO floor_seals (community_id, leaf_index, transfer_id, leaf_hash)
        SELECT :community_id, nextval('floor_leaves'), transfer_id, sha256(int8send(transfer_id))
        FROM taken
        RETURNING 1)
    SELECT count(*) FROM moved
"""


async def copy_queue(session: AsyncSession) -> None:
    """Make the tables to move rows between, as the owner."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    for statement in COPIES:
        await session.execute(text(statement))


async def move_batch(session: AsyncSession, community_id: int, *, size: int) -> int:
    """Move so many; return how many there were."""
    values = {"community_id": community_id, "size": size}
    return int(await session.scalar(text(_MOVE), values) or 0)
