"""SQL of holds: placing, capturing, undoing and releasing, one or five thousand at once.

Every caller holds the balance rows concerned (`ledger.queries.lock_balances`).
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.queries import PICK_FREE_LOTS, QUEUE_SEALS, Rows, run_statement

PLACE_HOLDS = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:holds AS json)) AS row(
            item_id bigint, account_id bigint, points bigint, purpose text,
            memo text, expires_at timestamptz)
        LIMIT json_array_length(CAST(:holds AS json))),
    {PICK_FREE_LOTS},
    covered AS (
        SELECT asked.item_id FROM asked
            JOIN (SELECT account_id, sum(points) AS points FROM free GROUP BY account_id)
                AS there USING (account_id)
            JOIN balances ON balances.community_id = :community_id
                AND balances.account_id = asked.account_id
        WHERE asked.start + asked.points <= there.points - balances.debt),
    taken AS (SELECT pick.* FROM pick JOIN covered USING (item_id)),
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
    SELECT item_id FROM covered
"""  # noqa: S608 - fragments of this room

RELEASE_HOLDS = """
    WITH hold AS (
        UPDATE holds SET state = :state, ended_at = :now
        WHERE community_id = :community_id AND hold_id = ANY(:hold_ids) AND state = 'held'
        RETURNING community_id, hold_id, account_id, points),
    lot AS (
        UPDATE lots SET held = lots.held - pinned.points
        FROM (SELECT lot_id, sum(hold_lots.points) AS points
            FROM hold_lots JOIN hold USING (community_id, hold_id) GROUP BY lot_id) AS pinned
        WHERE community_id = :community_id AND lots.lot_id = pinned.lot_id),
    balance AS (
        UPDATE balances SET held = balances.held - freed.points
        FROM (SELECT account_id, sum(points) AS points FROM hold GROUP BY account_id) AS freed
        WHERE community_id = :community_id AND balances.account_id = freed.account_id)
    SELECT hold_id FROM hold
"""

CAPTURE_HOLDS = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:captures AS json)) AS row(
            hold_id bigint, transfer_id bigint, credit_account_id bigint, maker_id bigint,
            salt bytea)
        LIMIT json_array_length(CAST(:captures AS json))),
    hold AS (
        UPDATE holds SET state = 'captured', captured_points = points, captures = captures + 1,
            ended_at = :now
        FROM item
        WHERE community_id = :community_id AND holds.hold_id = item.hold_id AND state = 'held'
        RETURNING community_id, holds.hold_id, account_id, memo, points, captures,
            transfer_id, credit_account_id, maker_id, salt),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
            posted_at, salt)
        SELECT community_id, transfer_id, transfer_id, 'spend', account_id, credit_account_id,
            points, 'hold', hold_id, captures, memo, maker_id, :now, :now, salt
        FROM hold
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    move AS (
        INSERT INTO lot_moves
        SELECT community_id, transfer_id, lot_id, hold_lots.points
        FROM hold_lots JOIN hold USING (community_id, hold_id)),
    lot AS (
        UPDATE lots SET remaining = remaining - pinned.points, held = lots.held - pinned.points
        FROM (SELECT lot_id, sum(hold_lots.points) AS points
            FROM hold_lots JOIN hold USING (community_id, hold_id) GROUP BY lot_id) AS pinned
        WHERE community_id = :community_id AND lots.lot_id = pinned.lot_id),
    balance AS (
        UPDATE balances SET posted = posted - spent.points, lots_total = lots_total - spent.points,
            held = balances.held - spent.points, last_spent_at = :now
        FROM (SELECT account_id, sum(points) AS points FROM hold GROUP BY account_id) AS spent
        WHERE community_id = :community_id AND balances.account_id = spent.account_id)
    SELECT hold_id, transfer_id FROM hold
"""  # noqa: S608 - fragments of this room

# A capture undone: a linked reversal, and the points are pinned again in the lots they came from.
UNDO_CAPTURES = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:undos AS json)) AS row(
            hold_id bigint, transfer_id bigint, maker_id bigint, salt bytea)
        LIMIT json_array_length(CAST(:undos AS json))),
    hold AS (
        UPDATE holds SET state = 'held', captured_points = 0, ended_at = NULL
        FROM item
        WHERE community_id = :community_id AND holds.hold_id = item.hold_id AND state = 'captured'
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
    lot AS (
        UPDATE lots SET remaining = remaining + back.points, held = lots.held + back.points
        FROM (SELECT lot_id, sum(lot_moves.points) AS points
            FROM original JOIN lot_moves ON lot_moves.community_id = :community_id
                AND lot_moves.transfer_id = original_id GROUP BY lot_id) AS back
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
