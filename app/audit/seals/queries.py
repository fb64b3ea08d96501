"""SQL of the seals' audit: pages of leaves, what was kept of the tree, where it ends."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

# What was taken from the queue, sealed and signed became visible at once: one statement sees a
# leaf either with all of that or not at all.
_LIST_LEAVES = """
    SELECT seal.leaf_index, seal.leaf_hash, seal.transfer_id AS sealed_id,
        seal_queue.transfer_id IS NOT NULL AS waits, unlinked_transfers.kept, transfers.*
    FROM (SELECT leaf_index, leaf_hash, transfer_id FROM seals
            WHERE community_id = :community_id AND leaf_index >= :first
            ORDER BY leaf_index LIMIT :size) AS seal
        LEFT JOIN transfers ON transfers.community_id = :community_id
            AND transfers.transfer_id = seal.transfer_id
        LEFT JOIN seal_queue ON seal_queue.community_id = :community_id
            AND seal_queue.transfer_id = seal.transfer_id
        LEFT JOIN unlinked_transfers ON unlinked_transfers.community_id = :community_id
            AND unlinked_transfers.transfer_id = seal.transfer_id
    ORDER BY leaf_index
"""

_LIST_TOTALLED = """
    SELECT account_id FROM accounts WHERE community_id = :community_id
        AND kind IN ('merchant', 'issuer', 'expired', 'penalty', 'correction')
"""

_LIST_CHECKPOINTS = """
    SELECT checkpoints.size, note, origin
    FROM checkpoints LEFT JOIN trees USING (community_id)
    WHERE community_id = :community_id
        AND checkpoints.size > :after AND checkpoints.size <= :until
    ORDER BY checkpoints.size
"""

# One statement, so one moment of the book: nothing of it has to be held.
_GET_END = """
    SELECT
        coalesce((SELECT size FROM trees WHERE community_id = :community_id), 0) AS size,
        (SELECT coalesce(max(leaf_index) + 1, 0) FROM seals
            WHERE community_id = :community_id) AS leaves,
        (SELECT coalesce(max(size), 0) FROM checkpoints
            WHERE community_id = :community_id) AS signed_size,
        (SELECT format('%s of level %s', number, level) FROM tree_nodes
            WHERE community_id = :community_id
                AND (level > 60 OR number < 0 OR number >= CAST(:size AS bigint) >> level)
            LIMIT 1) AS stray_node,
        (SELECT size FROM cosignatures WHERE community_id = :community_id AND NOT EXISTS (
            SELECT FROM checkpoints WHERE checkpoints.community_id = :community_id
                AND checkpoints.size = cosignatures.size)
            ORDER BY size LIMIT 1) AS stray_cosignature,
        (SELECT coalesce(json_object_agg(account_id, json_build_array(posted, transfers)), '{}')
            FROM account_rollups WHERE community_id = :community_id) AS totals
"""

SEALED_ONCE = """
    SELECT 'transfer ' || transfer_id AS subject, places AS stored, 1 AS expected
    FROM transfers CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM seal_queue WHERE seal_queue.community_id = :community_id
                AND seal_queue.transfer_id = transfers.transfer_id)
            + (SELECT count(*) FROM seals WHERE seals.community_id = :community_id
                AND seals.transfer_id = transfers.transfer_id) AS places) AS found
    WHERE community_id = :community_id AND transfer_id > :after AND transfer_id <= :until
        AND places <> 1
    ORDER BY transfer_id LIMIT 1
"""

QUEUED_WAS_POSTED = """
    SELECT 'transfer ' || transfer_id AS subject, 'waits to be sealed' AS stored,
        'a transfer with its salt' AS expected
    FROM seal_queue
    WHERE community_id = :community_id AND transfer_id > :after AND transfer_id <= :until
        AND NOT EXISTS (SELECT FROM transfers WHERE transfers.community_id = :community_id
            AND transfers.transfer_id = seal_queue.transfer_id AND salt IS NOT NULL)
    ORDER BY transfer_id LIMIT 1
"""

UNLINKED_WAS_SEALED = """
    SELECT 'transfer ' || transfer_id AS subject, 'unlinked' AS stored,
        'sealed before' AS expected
    FROM unlinked_transfers
    WHERE community_id = :community_id AND transfer_id > :after AND transfer_id <= :until
        AND NOT EXISTS (SELECT FROM seals WHERE seals.community_id = :community_id
            AND seals.transfer_id = unlinked_transfers.transfer_id)
    ORDER BY transfer_id LIMIT 1
"""


async def list_leaves(
    session: AsyncSession, community_id: int, *, first: int, size: int
) -> Sequence[Record]:
    """Return leaves from `first` on, each with its transfer (null where there is none)."""
    values = {"community_id": community_id, "first": first, "size": size}
    return (await session.execute(text(_LIST_LEAVES), values)).all()


async def list_totalled(session: AsyncSession, community_id: int) -> set[int]:
    """Return the accounts that sealing adds up: the system's and the shops'."""
    values = {"community_id": community_id}
    return set((await session.scalars(text(_LIST_TOTALLED), values)).all())


async def list_checkpoints(
    session: AsyncSession, community_id: int, *, after: int, until: int
) -> Sequence[Record]:
    """Return the checkpoints of sizes above the one, up to the other, with the tree's name."""
    values = {"community_id": community_id, "after": after, "until": until}
    return (await session.execute(text(_LIST_CHECKPOINTS), values)).all()


async def get_end(session: AsyncSession, community_id: int, *, size: int) -> Record:
    """Return how the tree ends, as of one moment; nodes are stray in a tree of `size` leaves."""
    values = {"community_id": community_id, "size": size}
    return (await session.execute(text(_GET_END), values)).one()
