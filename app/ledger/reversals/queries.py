"""SQL that gives points back to those they were taken from; callers hold the balance rows."""

import json
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import QUEUE_SEALS, Rows, run_statement

# An original's points lie on a line: first what became debt, then its lots, those that lapse
# last before the others. Each reversal takes the next stretch of the line, so that parts given
# back one by one are what would have been given back at once. One item for each account.
# What earlier reversals put back is read from their moves, not from the line: a policy may have
# dated lots since, and so changed their order. What they gave as late lots names no lot, and is
# left out from the line's beginning (`since`).
_PUT_BACK = f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:items AS json)) AS row(
            item_id bigint, account_id bigint, transfer_id bigint, points bigint,
            source_kind text, source_id bigint, memo text, maker_id bigint, checker_id bigint,
            occurred_at timestamptz, salt bytea, usable_until timestamptz,
            fresh_lapses_at timestamptz, fresh_follows_policy boolean)
        LIMIT json_array_length(CAST(:items AS json))),
    original AS (
        SELECT item.*, there.credit_account_id, there.points AS original_points,
            there.rule_version_id, coalesce(reversed_points.points, 0) AS start,
            coalesce(reversed_points.points, 0) + item.points AS until
        FROM item
            JOIN transfers AS there ON there.community_id = :community_id
                AND there.transfer_id = item.transfer_id
                AND there.debit_account_id = item.account_id
                AND there.kind IN ('deduction', 'spend', 'expiry', 'decay')
            LEFT JOIN reversed_points ON reversed_points.community_id = :community_id
                AND reversed_points.transfer_id = item.transfer_id
        WHERE coalesce(reversed_points.points, 0) + item.points <= there.points),
    earlier AS (
        SELECT item_id, lot_id, -sum(lot_moves.points)::bigint AS points
        FROM original
            JOIN transfers AS reversal ON reversal.community_id = :community_id
                AND reversal.credit_account_id = original.account_id
                AND reversal.credit_account_id > 999
                AND reversal.reverses_transfer_id = original.transfer_id
            JOIN lot_moves ON lot_moves.community_id = :community_id
                AND lot_moves.transfer_id = reversal.transfer_id
        WHERE original.start > 0
        GROUP BY item_id, lot_id),
    took AS (
        SELECT original.item_id, lots.lot_id, lots.expires_at,
            coalesce(origin_lot_id, lots.lot_id) AS origin_lot_id,
            taken.points - coalesce(earlier.points, 0) AS points,
            original_points - sum(taken.points) OVER item AS owed,
            sum(coalesce(earlier.points, 0)) OVER item AS returned
        FROM original
            JOIN lot_moves AS taken ON taken.community_id = :community_id
                AND taken.transfer_id = original.transfer_id
            JOIN lots ON lots.community_id = :community_id AND lots.lot_id = taken.lot_id
            LEFT JOIN earlier ON earlier.item_id = original.item_id
                AND earlier.lot_id = taken.lot_id
        WINDOW item AS (PARTITION BY original.item_id)),
    line AS (
        SELECT took.*, original.account_id, usable_until,
            greatest(original.start - owed, 0) - returned AS since,
            greatest(original.until - owed, 0) - returned AS until,
            sum(took.points) OVER (
                PARTITION BY item_id ORDER BY took.expires_at DESC, lot_id DESC) AS upto
        FROM took JOIN original USING (item_id)),
    back AS (
        SELECT item_id, account_id, lot_id, origin_lot_id, usable_until, expires_at,
            expires_at >= coalesce(usable_until, '-infinity') AS is_same_lot,
            (least(until, upto) - greatest(since, upto - points))::bigint AS points
        FROM line
        WHERE upto - points < until AND upto > since AND points > 0),
    split AS (
        SELECT item_id, original.account_id, original.points, repaid.points AS repaid,
            was_debt.points - repaid.points AS fresh, fresh_lapses_at, fresh_follows_policy
        FROM original
            JOIN balances ON balances.community_id = :community_id
                AND balances.account_id = original.account_id
            CROSS JOIN LATERAL (
                SELECT original.points - coalesce(sum(back.points), 0)::bigint AS points
                FROM back WHERE back.item_id = original.item_id) AS was_debt
            CROSS JOIN LATERAL (
                SELECT least(was_debt.points, balances.debt) AS points) AS repaid),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id,
            reverses_transfer_id, maker_id, checker_id, occurred_at, posted_at, salt)
        SELECT :community_id, item_id, item_id, 'reversal', credit_account_id, account_id, points,
            source_kind, source_id, 0, memo, rule_version_id, transfer_id, maker_id, checker_id,
            occurred_at, :now, salt
        FROM original
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    reversed AS (
        INSERT INTO reversed_points (community_id, transfer_id, original_points, points)
        SELECT :community_id, transfer_id, original_points, points FROM original
        ON CONFLICT (community_id, transfer_id) DO UPDATE
            SET points = reversed_points.points + excluded.points),
    move AS (
        INSERT INTO lot_moves
        SELECT :community_id, item_id, lot_id, -points FROM back WHERE is_same_lot),
    lot AS (
        UPDATE lots SET remaining = remaining + back.points FROM back
        WHERE community_id = :community_id AND lots.lot_id = back.lot_id AND is_same_lot),
    new_lot AS (
        INSERT INTO lots (community_id, lot_id, account_id, transfer_id, origin_lot_id, granted,
            remaining, earned_at, expires_at, follows_policy)
        SELECT :community_id, nextval('derived_lots'), account_id, item_id, origin_lot_id, points,
            points, :now, usable_until, false
        FROM back WHERE NOT is_same_lot
        UNION ALL
        SELECT :community_id, item_id, account_id, item_id, NULL, fresh, fresh, :now,
            fresh_lapses_at, fresh_follows_policy
        FROM split WHERE fresh > 0
        RETURNING account_id, expires_at),
    soonest AS (
        SELECT account_id, min(expires_at) AS expires_at
        FROM (
            SELECT account_id, expires_at FROM back WHERE is_same_lot
            UNION ALL SELECT account_id, expires_at FROM new_lot) AS given
        GROUP BY account_id),
    balance AS (
        UPDATE balances SET posted = posted + split.points,
            lots_total = lots_total + split.points - repaid, debt = debt - repaid,
            next_expiry_at = least(next_expiry_at, soonest.expires_at)
        FROM split LEFT JOIN soonest USING (account_id)
        WHERE community_id = :community_id AND balances.account_id = split.account_id)
    SELECT item_id FROM original
"""  # noqa: S608 - a fragment of this room

_GET_REVERSIBLE = """
    SELECT transfers.*, debit.kind AS debit_kind, credit.kind AS credit_kind,
        debit.owner_id AS debit_owner_id, credit.owner_id AS credit_owner_id,
        coalesce(reversed_points.points, 0) AS reversed_points
    FROM transfers
        JOIN accounts AS debit ON debit.community_id = transfers.community_id
            AND debit.account_id = debit_account_id
        JOIN accounts AS credit ON credit.community_id = transfers.community_id
            AND credit.account_id = credit_account_id
        LEFT JOIN reversed_points ON reversed_points.community_id = transfers.community_id
            AND reversed_points.transfer_id = transfers.transfer_id
    WHERE transfers.community_id = :community_id
        AND transfers.transfer_id = :transfer_id
"""


async def put_back(
    session: AsyncSession, community_id: int, items: Rows, *, now: datetime
) -> set[int]:
    """Give points back, at most one item for each account; return the items that could be.

    One is left out if its transfer took nothing from the account, is of another kind (a reversal
    itself, a gift), or has been reversed by so much that this would be more than it moved.
    """
    rows = await run_statement(
        session, _PUT_BACK, community_id=community_id, items=json.dumps(items), now=now
    )
    return {row.item_id for row in rows}


async def get_reversible(
    session: AsyncSession, community_id: int, transfer_id: int
) -> Record | None:
    """Return a transfer with the kinds and owners of its accounts and what has been reversed."""
    rows = await run_statement(
        session, _GET_REVERSIBLE, community_id=community_id, transfer_id=transfer_id
    )
    return rows[0] if rows else None
