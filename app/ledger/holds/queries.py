"""SQL of holds: placing, capturing, undoing and releasing, one or five thousand at once.

Every caller holds the balance rows concerned (`ledger.queries.lock_balances`).
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import PICK_COVERED, QUEUE_SEALS, Rows, run_statement

# The same as `state = 'held'`, but not for the index on open holds: where PostgreSQL believes that
# there are few, it would read all of them instead of those named.
_IS_OPEN = "holds.state NOT IN ('captured', 'released', 'expired')"

# A fragment that a larger statement may take into its WITH clause; `covered` then has the items
# that were placed.
PLACE_COVERED = f"""
    item AS (
        SELECT * FROM json_to_recordset(CAST(:holds AS json)) AS row(
            item_id bigint, account_id bigint, points bigint, purpose text,
            memo text, expires_at timestamptz)
        LIMIT json_array_length(CAST(:holds AS json))),
    {PICK_COVERED},
    hold AS (
        INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state,
            created_at, expires_at)
        SELECT :community_id, item_id, account_id, purpose, memo, points, 'held', :now, expires_at
        FROM item JOIN covered USING (item_id)),
    hold_lot AS (
        INSERT INTO hold_lots SELECT :community_id, item_id, lot_id, points FROM taken),
    lot AS (
        UPDATE lots SET held = held + taken.points
        FROM (SELECT lot_id, sum(points) AS points FROM taken GROUP BY lot_id) AS taken
        WHERE community_id = :community_id AND lots.lot_id = taken.lot_id),
    balance AS (
        UPDATE balances SET held = held + taken.points
        FROM (SELECT account_id, sum(points) AS points FROM taken GROUP BY account_id) AS taken
        WHERE community_id = :community_id AND balances.account_id = taken.account_id)
"""  # noqa: S608 - fragments of this room
PLACE_HOLDS = f"WITH {PLACE_COVERED} SELECT item_id FROM covered"  # noqa: S608 - a fragment of ours

# What is let go may have a date of its own, even a past one: the balance must know of it.
RELEASE_HOLDS = f"""
    WITH hold AS (
        UPDATE holds SET state = :state, ended_at = :now
        WHERE community_id = :community_id AND hold_id = ANY(:hold_ids) AND {_IS_OPEN}
            AND (:state <> 'expired' OR expires_at <= :now)
        RETURNING community_id, hold_id, account_id, points),
    pinned AS (
        SELECT lot_id, sum(hold_lots.points) AS points
        FROM hold_lots JOIN hold USING (community_id, hold_id) GROUP BY lot_id),
    lot AS (
        UPDATE lots SET held = lots.held - pinned.points FROM pinned
        WHERE community_id = :community_id AND lots.lot_id = pinned.lot_id
        RETURNING account_id, expires_at),
    balance AS (
        UPDATE balances SET held = balances.held - freed.points,
            next_expiry_at = least(next_expiry_at, soonest.expires_at)
        FROM (SELECT account_id, sum(points) AS points FROM hold GROUP BY account_id) AS freed
            JOIN (SELECT account_id, min(expires_at) AS expires_at FROM lot GROUP BY account_id)
                AS soonest USING (account_id)
        WHERE community_id = :community_id AND balances.account_id = freed.account_id)
    SELECT hold_id FROM hold
"""  # noqa: S608 - a fragment of this room

EXTEND_HOLDS = f"""
    UPDATE holds SET expires_at = row.expires_at
    FROM (SELECT * FROM json_to_recordset(CAST(:extensions AS json)) AS row(
            hold_id bigint, expires_at timestamptz)
        LIMIT json_array_length(CAST(:extensions AS json))) AS row
    WHERE community_id = :community_id AND holds.hold_id = row.hold_id AND {_IS_OPEN}
        AND holds.expires_at > :now AND row.expires_at >= holds.expires_at
    RETURNING holds.hold_id
"""  # noqa: S608 - a fragment of this room

LIST_LAPSED_HOLDS = """
    SELECT hold_id, account_id FROM holds
    WHERE community_id = :community_id AND state = 'held' AND expires_at <= :now
        AND purpose <> ALL(:not_for)
    ORDER BY expires_at LIMIT :size
"""

LIST_COMMUNITIES_WITH_LAPSED = """
    SELECT community_id FROM communities
    WHERE EXISTS (SELECT FROM holds
        WHERE holds.community_id = communities.community_id AND state = 'held'
            AND expires_at <= :now AND purpose <> ALL(:not_for))
    ORDER BY community_id
"""

# A capture takes what it asks for from the pinned lots that lapse first, and frees the rest.
CAPTURE_HOLDS = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:captures AS json)) AS row(
            hold_id bigint, transfer_id bigint, points bigint, credit_account_id bigint,
            maker_id bigint, salt bytea)
        LIMIT json_array_length(CAST(:captures AS json))),
    hold AS (
        UPDATE holds SET state = 'captured', captures = captures + 1, ended_at = :now,
            captured_points = coalesce(item.points, holds.points)
        FROM item
        WHERE community_id = :community_id AND holds.hold_id = item.hold_id AND {_IS_OPEN}
            AND expires_at > :now
            AND coalesce(item.points, holds.points) BETWEEN 1 AND holds.points
        RETURNING community_id, holds.hold_id, account_id, memo, holds.points AS promised,
            captured_points AS points, captures, transfer_id, credit_account_id, maker_id, salt),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
            posted_at, salt)
        SELECT community_id, transfer_id, transfer_id, 'spend', account_id, credit_account_id,
            points, 'hold', hold_id, captures, memo, maker_id, :now, :now, salt
        FROM hold
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    pin AS (
        SELECT hold.account_id, hold.transfer_id, hold_lots.lot_id, hold_lots.points AS pinned,
            expires_at, least(hold_lots.points, greatest(hold.points + hold_lots.points
                - sum(hold_lots.points) OVER (
                    PARTITION BY hold_id ORDER BY expires_at, hold_lots.lot_id), 0))::bigint
                AS points
        FROM hold JOIN hold_lots USING (community_id, hold_id)
            JOIN lots ON lots.community_id = :community_id AND lots.lot_id = hold_lots.lot_id),
    move AS (
        INSERT INTO lot_moves
        SELECT :community_id, transfer_id, lot_id, points FROM pin WHERE points > 0),
    lot AS (
        UPDATE lots SET remaining = remaining - pin.points, held = lots.held - pin.pinned
        FROM (SELECT lot_id, sum(points) AS points, sum(pinned) AS pinned FROM pin
            GROUP BY lot_id) AS pin
        WHERE community_id = :community_id AND lots.lot_id = pin.lot_id),
    balance AS (
        UPDATE balances SET posted = posted - spent.points, lots_total = lots_total - spent.points,
            held = balances.held - spent.promised, last_spent_at = greatest(last_spent_at, :now),
            next_expiry_at = least(next_expiry_at, freed.expires_at)
        FROM (SELECT account_id, sum(points) AS points, sum(promised) AS promised FROM hold
                GROUP BY account_id) AS spent
            LEFT JOIN (SELECT account_id, min(expires_at) AS expires_at FROM pin
                WHERE points < pinned GROUP BY account_id) AS freed USING (account_id)
        WHERE community_id = :community_id AND balances.account_id = spent.account_id)
    SELECT hold_id, transfer_id FROM hold
"""  # noqa: S608 - fragments of this room

# A capture undone: a linked reversal, and the points are pinned again in the lots they came from.
# Only a whole one of which nothing has been given back: for the rest there are reversals.
UNDO_CAPTURES = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:undos AS json)) AS row(
            hold_id bigint, transfer_id bigint, maker_id bigint, salt bytea)
        LIMIT json_array_length(CAST(:undos AS json))),
    hold AS (
        UPDATE holds SET state = 'held', captured_points = 0, ended_at = NULL
        FROM item
        WHERE community_id = :community_id AND holds.hold_id = item.hold_id AND state = 'captured'
            AND captured_points = points AND NOT EXISTS (
                SELECT FROM transfers AS capture
                    JOIN reversed_points USING (community_id, transfer_id)
                WHERE capture.community_id = :community_id AND capture.source_kind = 'hold'
                    AND capture.source_id = holds.hold_id AND capture.leg = captures)
        RETURNING community_id, holds.hold_id, account_id, memo, points, captures,
            transfer_id, maker_id, salt),
    original AS (
        SELECT hold.*, transfers.transfer_id AS original_id, transfers.credit_account_id
        FROM hold JOIN transfers ON transfers.community_id = :community_id
            AND source_kind = 'hold' AND source_id = hold_id AND leg = captures),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, reverses_transfer_id,
            maker_id, occurred_at, posted_at, salt)
        SELECT community_id, transfer_id, transfer_id, 'reversal', credit_account_id, account_id,
            points, 'reversal', original_id, 0, memo, original_id, maker_id, :now, :now, salt
        FROM original
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    reversed AS (
        INSERT INTO reversed_points
        SELECT community_id, original_id, points, points FROM original),
    took AS (
        SELECT original.transfer_id, lot_id, lot_moves.points
        FROM original JOIN lot_moves ON lot_moves.community_id = :community_id
            AND lot_moves.transfer_id = original_id),
    move AS (INSERT INTO lot_moves SELECT :community_id, transfer_id, lot_id, -points FROM took),
    lot AS (
        UPDATE lots SET remaining = remaining + back.points, held = lots.held + back.points
        FROM (SELECT lot_id, sum(points) AS points FROM took GROUP BY lot_id) AS back
        WHERE community_id = :community_id AND lots.lot_id = back.lot_id),
    balance AS (
        UPDATE balances SET posted = posted + back.points, lots_total = lots_total + back.points,
            held = balances.held + back.points
        FROM (SELECT account_id, sum(points) AS points FROM hold GROUP BY account_id) AS back
        WHERE community_id = :community_id AND balances.account_id = back.account_id)
    SELECT hold_id, transfer_id FROM original
"""  # noqa: S608 - fragments of this room


async def place_holds(
    session: AsyncSession, community_id: int, holds: Rows, *, now: datetime
) -> set[int]:
    """Pin free lots, those that lapse first; return the holds that could be covered in full.

    Lots given back, or lapsed, can stand beside a debt; what is owed is not free to spend.
    """
    rows = await run_statement(
        session, PLACE_HOLDS, community_id=community_id, holds=json.dumps(holds), now=now
    )
    return {row.item_id for row in rows}


async def release_holds(
    session: AsyncSession, community_id: int, hold_ids: Sequence[int], *, state: str, now: datetime
) -> set[int]:
    """Give pinned points back to the lots they stand in; return the holds that were open."""
    rows = await run_statement(
        session, RELEASE_HOLDS,
        community_id=community_id, hold_ids=list(hold_ids), state=state, now=now,
    )  # fmt: skip
    return {row.hold_id for row in rows}


async def extend_holds(
    session: AsyncSession, community_id: int, extensions: Rows, *, now: datetime
) -> set[int]:
    """Let open holds last longer, never shorter; return those that were still open."""
    rows = await run_statement(
        session, EXTEND_HOLDS,
        community_id=community_id, extensions=json.dumps(extensions), now=now,
    )  # fmt: skip
    return {row.hold_id for row in rows}


async def list_lapsed_holds(
    session: AsyncSession, community_id: int, *, not_for: Sequence[str], now: datetime, size: int
) -> Sequence[Record]:
    """Return open holds past their date, those for some purposes left aside."""
    return await run_statement(
        session, LIST_LAPSED_HOLDS,
        community_id=community_id, not_for=list(not_for), now=now, size=size,
    )  # fmt: skip


async def list_communities_with_lapsed(
    session: AsyncSession, *, not_for: Sequence[str], now: datetime
) -> list[int]:
    rows = await run_statement(
        session, LIST_COMMUNITIES_WITH_LAPSED, not_for=list(not_for), now=now
    )
    return [row.community_id for row in rows]


async def capture_holds(
    session: AsyncSession, community_id: int, captures: Rows, *, now: datetime
) -> dict[int, int]:
    """Post held points to whom they were promised; return hold → transfer for the open ones."""
    rows = await run_statement(
        session, CAPTURE_HOLDS, community_id=community_id, captures=json.dumps(captures), now=now
    )
    return {row.hold_id: row.transfer_id for row in rows}


async def undo_captures(
    session: AsyncSession, community_id: int, undos: Rows, *, now: datetime
) -> dict[int, int]:
    """Reverse captures and pin the same lots again; return hold → reversal."""
    rows = await run_statement(
        session, UNDO_CAPTURES, community_id=community_id, undos=json.dumps(undos), now=now
    )
    return {row.hold_id: row.transfer_id for row in rows}
