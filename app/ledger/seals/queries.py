"""SQL of seals: what waits, what is sealed, and the tree above it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.queries import first_id_at
from app.ledger.queries import run_statement
from app.ledger.seals.merkle import Edge, Node, edge_nodes

# A tree's name never changes, or nobody could compare it with what they have seen before.
_OPEN_TREES = """
    INSERT INTO trees (community_id, origin, opened_at)
    SELECT community_id, :prefix || community_id, :now FROM communities
    WHERE NOT EXISTS (SELECT FROM trees WHERE trees.community_id = communities.community_id)
    ON CONFLICT DO NOTHING
"""

# The first of each queue: with EXISTS the whole queue is read, and that for each of a few trees.
_LIST_WAITING = """
    SELECT community_id FROM trees
    WHERE (SELECT transfer_id FROM seal_queue WHERE seal_queue.community_id = trees.community_id
        ORDER BY transfer_id LIMIT 1) IS NOT NULL
    ORDER BY community_id
"""

# Whoever finds it taken leaves it to the one who is at it.
_LOCK_TREE = """
    SELECT origin, size FROM trees WHERE community_id = :community_id
    FOR UPDATE SKIP LOCKED
"""

# What is queued but was never posted, has no salt, or is sealed already, stays for the audit to
# find, and holds up nobody. Looked up one by one (that is what OFFSET 0 and the scalar subquery
# ask for): a merge join would read all that was ever sealed for each batch.
_TAKE_QUEUED = """
    WITH next AS MATERIALIZED (
        SELECT transfer.* FROM seal_queue CROSS JOIN LATERAL (
            SELECT * FROM transfers WHERE transfers.community_id = :community_id
                AND transfers.transfer_id = seal_queue.transfer_id AND salt IS NOT NULL
            OFFSET 0) AS transfer
        WHERE seal_queue.community_id = :community_id AND (
            SELECT leaf_index FROM seals WHERE seals.community_id = :community_id
                AND seals.transfer_id = seal_queue.transfer_id) IS NULL
        ORDER BY seal_queue.transfer_id LIMIT :size),
    taken AS (
        DELETE FROM seal_queue USING next
        WHERE seal_queue.community_id = :community_id
            AND seal_queue.transfer_id = next.transfer_id)
    SELECT * FROM next ORDER BY transfer_id
"""

# With a limit for each range: joined, a whole tree's nodes may be read for the few wanted.
_LIST_NODES = """
    SELECT range.level, node.*
    FROM json_to_recordset(CAST(:ranges AS json)) AS range(level int, first bigint, last bigint)
        CROSS JOIN LATERAL (
            SELECT leaf_index AS number, leaf_hash AS node_hash FROM seals
            WHERE range.level = 0 AND community_id = :community_id
                AND leaf_index BETWEEN first AND last
            LIMIT last - first + 1) AS node
    UNION ALL
    SELECT range.level, node.*
    FROM json_to_recordset(CAST(:ranges AS json)) AS range(level int, first bigint, last bigint)
        CROSS JOIN LATERAL (
            SELECT number, node_hash FROM tree_nodes
            WHERE range.level > 0 AND community_id = :community_id
                AND tree_nodes.level = range.level AND number BETWEEN first AND last
            LIMIT last - first + 1) AS node
    ORDER BY level, number
"""

# System and shop accounts have no row that posting would queue for: here is where they add up.
_STORE_BATCH = """
    WITH leaf AS MATERIALIZED (
        SELECT transfer_id, leaf_hash, CAST(:size AS bigint) + place - 1 AS leaf_index
        FROM unnest(CAST(:transfer_ids AS bigint[]), CAST(:hashes AS bytea[]))
            WITH ORDINALITY AS leaf(transfer_id, leaf_hash, place)),
    seal AS (
        INSERT INTO seals (community_id, leaf_index, transfer_id, leaf_hash)
        SELECT :community_id, leaf_index, transfer_id, leaf_hash FROM leaf),
    node AS (
        INSERT INTO tree_nodes (community_id, level, number, node_hash)
        SELECT :community_id, level, number, node_hash
        FROM unnest(CAST(:levels AS smallint[]), CAST(:numbers AS bigint[]),
            CAST(:node_hashes AS bytea[])) AS node(level, number, node_hash)),
    side AS (
        SELECT account_id, points, transfers FROM unnest(CAST(:account_ids AS bigint[]),
            CAST(:points AS bigint[]), CAST(:counts AS bigint[]))
            AS side(account_id, points, transfers)),
    rollup AS (
        INSERT INTO account_rollups (community_id, account_id, posted, transfers)
        SELECT :community_id, account_id, points, transfers
        FROM side WHERE (
            SELECT kind FROM accounts WHERE accounts.community_id = :community_id
                AND accounts.account_id = side.account_id) NOT IN ('wallet', 'savings', 'fund')
        ORDER BY account_id
        ON CONFLICT (community_id, account_id) DO UPDATE SET
            posted = account_rollups.posted + excluded.posted,
            transfers = account_rollups.transfers + excluded.transfers),
    checkpoint AS (
        INSERT INTO checkpoints (community_id, size, note, made_at)
        VALUES (:community_id, :new_size, :note, :now))
    UPDATE trees SET size = :new_size, sealed_at = :now WHERE community_id = :community_id
"""

_GET_TREE = "SELECT origin, size, sealed_at FROM trees WHERE community_id = :community_id"

_LIST_CHECKPOINTS = """
    SELECT size, note, made_at FROM checkpoints
    WHERE community_id = :community_id AND size < :before
    ORDER BY size DESC LIMIT :limit
"""

_GET_CHECKPOINT = """
    SELECT size, note, made_at, witnesses, lines, times
    FROM checkpoints CROSS JOIN LATERAL (
        SELECT array_agg(witness ORDER BY witness) AS witnesses,
            array_agg(line ORDER BY witness) AS lines,
            array_agg(signed_at ORDER BY witness) AS times
        FROM cosignatures
        WHERE cosignatures.community_id = :community_id
            AND cosignatures.size = checkpoints.size) AS countersigned
    WHERE community_id = :community_id AND size = coalesce(
        CAST(:size AS bigint),
        (SELECT max(size) FROM checkpoints WHERE community_id = :community_id))
"""

# `kept` is read as text: what is left of a transfer whose salt was erased.
_GET_LINE = """
    SELECT transfers.*, leaf_index, CAST(kept AS text) AS kept,
        debit.kind AS debit_kind, debit.owner_id AS debit_owner_id,
        credit.kind AS credit_kind, credit.owner_id AS credit_owner_id
    FROM transfers
        JOIN accounts AS debit ON debit.community_id = transfers.community_id
            AND debit.account_id = debit_account_id
        JOIN accounts AS credit ON credit.community_id = transfers.community_id
            AND credit.account_id = credit_account_id
        LEFT JOIN seals ON seals.community_id = transfers.community_id
            AND seals.transfer_id = transfers.transfer_id
        LEFT JOIN unlinked_transfers ON unlinked_transfers.community_id = transfers.community_id
            AND unlinked_transfers.transfer_id = transfers.transfer_id
    WHERE transfers.community_id = :community_id AND transfers.transfer_id = :transfer_id
        AND ((debit.kind IN ('wallet', 'savings') AND debit.owner_id = :owner_id)
            OR (credit.kind IN ('wallet', 'savings') AND credit.owner_id = :owner_id))
"""

# As many rows as there are shops, and never the transfers themselves.
# As of the last local midnight: of a total that follows every transfer, anybody could read off
# what a neighbour was just given, or fined. A number may be later than its time, never earlier.
_MIDNIGHT = "(date_trunc('day', :now AT TIME ZONE timezone) AT TIME ZONE timezone)"
_GET_BOOK = f"""
    WITH day AS MATERIALIZED (
        SELECT {_MIDNIGHT} AS began_at, {first_id_at(_MIDNIGHT)} AS first_id FROM communities
        WHERE community_id = :community_id),
    today AS (
        SELECT debit_account_id, credit_account_id, points FROM transfers
        WHERE community_id = :community_id AND transfer_id >= (SELECT first_id FROM day)
            AND posted_at >= (SELECT began_at FROM day)
            AND (SELECT leaf_index FROM seals WHERE seals.community_id = :community_id
                AND seals.transfer_id = transfers.transfer_id) IS NOT NULL),
    since AS (
        SELECT account_id, sum(points)::bigint AS points FROM (
            SELECT debit_account_id, -points FROM today
            UNION ALL SELECT credit_account_id, points FROM today) AS side (account_id, points)
        GROUP BY account_id),
    held AS (
        SELECT kind, sum(posted - coalesce(since.points, 0))::bigint AS points
        FROM account_rollups JOIN accounts USING (community_id, account_id)
            LEFT JOIN since USING (account_id)
        WHERE community_id = :community_id GROUP BY kind)
    SELECT day.began_at AS as_of, kind, coalesce(points, 0) AS points
    FROM trees CROSS JOIN day LEFT JOIN held ON true
    WHERE community_id = :community_id
"""  # noqa: S608 - fragments of our own


async def open_trees(session: AsyncSession, *, prefix: str, now: datetime) -> None:
    """Give every community that has none a tree, named by a prefix and its number."""
    await session.execute(text(_OPEN_TREES), {"prefix": prefix, "now": now})


async def list_waiting(session: AsyncSession) -> Sequence[int]:
    """Return the communities that have transfers to seal."""
    return (await session.scalars(text(_LIST_WAITING))).all()


async def lock_tree(session: AsyncSession, community_id: int) -> Record | None:
    """Lock a tree until the transaction ends; None if somebody else has it."""
    statement = text(_LOCK_TREE)
    return (await session.execute(statement, {"community_id": community_id})).one_or_none()


async def take_queued(session: AsyncSession, community_id: int, *, size: int) -> Sequence[Record]:
    """Take the oldest transfers from the queue and return them whole."""
    return await run_statement(session, _TAKE_QUEUED, community_id=community_id, size=size)


async def get_nodes(
    session: AsyncSession, community_id: int, ranges: Iterable[tuple[int, int, int]]
) -> dict[Node, bytes]:
    """Return kept nodes; each range is a level, the first number and the one after the last."""
    rows = [{"level": level, "first": first, "last": end - 1} for level, first, end in ranges]
    found = await run_statement(
        session, _LIST_NODES, community_id=community_id, ranges=json.dumps(rows)
    )
    return {(row.level, row.number): row.node_hash for row in found}


async def get_edge(session: AsyncSession, community_id: int, size: int) -> Edge:
    """Return the right edge of the tree when it had `size` leaves."""
    nodes = await get_nodes(session, community_id, edge_nodes(size))
    edge = Edge(size)
    for (level, _), found in nodes.items():
        edge.groups.setdefault(level, []).append(found)
    return edge


async def store_batch(
    session: AsyncSession,
    community_id: int,
    leaves: Mapping[int, bytes],
    nodes: Sequence[tuple[int, int, bytes]],
    sides: Mapping[int, tuple[int, int]],
    *,
    size: int,
    note: str,
    now: datetime,
) -> None:
    """Add leaves, in their order, behind the `size` there are, with the nodes they complete.

    `sides` has for each account what it got and in how many transfers.
    """
    values = {
        "community_id": community_id,
        "transfer_ids": list(leaves),
        "hashes": list(leaves.values()),
        "levels": [level for level, _, _ in nodes],
        "numbers": [number for _, number, _ in nodes],
        "node_hashes": [found for _, _, found in nodes],
        "account_ids": list(sides),
        "points": [points for points, _ in sides.values()],
        "counts": [count for _, count in sides.values()],
        "size": size,
        "new_size": size + len(leaves),
        "note": note,
        "now": now,
    }
    await session.execute(text(_STORE_BATCH), values)


async def get_tree(session: AsyncSession, community_id: int) -> Record | None:
    statement = text(_GET_TREE)
    return (await session.execute(statement, {"community_id": community_id})).one_or_none()


async def list_checkpoints(
    session: AsyncSession, community_id: int, *, before: int, limit: int
) -> Sequence[Record]:
    """Return checkpoints of trees smaller than `before`, newest first."""
    return await run_statement(
        session, _LIST_CHECKPOINTS, community_id=community_id, before=before, limit=limit
    )


async def get_checkpoint(
    session: AsyncSession, community_id: int, size: int | None
) -> Record | None:
    """Return a checkpoint, the newest if no size is named, with its countersignatures."""
    found = await run_statement(session, _GET_CHECKPOINT, community_id=community_id, size=size)
    return found[0] if found else None


async def get_line(
    session: AsyncSession, community_id: int, owner_id: int, transfer_id: int
) -> Record | None:
    """Return a transfer to or from an account of this resident, with its place in the tree."""
    found = await run_statement(
        session, _GET_LINE,
        community_id=community_id, owner_id=owner_id, transfer_id=transfer_id,
    )  # fmt: skip
    return found[0] if found else None


async def get_book(session: AsyncSession, community_id: int, *, now: datetime) -> Sequence[Record]:
    """Return what accounts without balances held, by kind, when the local day began.

    Reads the day's transfers; no row where the community has no tree.
    """
    return await run_statement(session, _GET_BOOK, community_id=community_id, now=now)
