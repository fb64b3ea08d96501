"""SQL that takes points from wallets; every caller holds their balance rows."""

import json
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import TransferKind
from app.ledger.queries import (
    QUEUE_SEALS,
    SPENDING_ORDER,
    Rows,
    pick_free_lots,
    run_statement,
)

# `transfer_id` is the award that an item reverses, and so its own lot's number.
_OWN_LOT_FIRST = f"lot_id NOT IN (SELECT transfer_id FROM item), {SPENDING_ORDER}"  # noqa: S608

_REVERSED = """
    reversed AS (
        INSERT INTO reversed_points (community_id, transfer_id, original_points, points)
        SELECT :community_id, item.transfer_id, item.original_points, from_lots + as_debt
        FROM split JOIN item USING (item_id) WHERE from_lots + as_debt > 0
        ON CONFLICT (community_id, transfer_id) DO UPDATE
            SET points = reversed_points.points + excluded.points),
"""


def _take(kind: TransferKind, *, order: str, reverses: str, also: str = "") -> str:
    return f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:items AS json)) AS row(
            item_id bigint, account_id bigint, points bigint, transfer_id bigint,
            original_points bigint, source_kind text, source_id bigint, memo text,
            rule_version_id bigint, maker_id bigint, checker_id bigint, occurred_at timestamptz,
            salt bytea)
        LIMIT json_array_length(CAST(:items AS json))),
    {pick_free_lots(order)},
    taken AS (
        SELECT asked.item_id, asked.account_id, asked.points,
            coalesce(sum(pick.points), 0)::bigint AS from_lots
        FROM asked LEFT JOIN pick USING (item_id)
        GROUP BY asked.item_id, asked.account_id, asked.points),
    split AS (
        SELECT taken.*, least(taken.points - from_lots,
            greatest(-balances.floor - balances.debt, 0)) AS as_debt
        FROM taken JOIN balances ON balances.community_id = :community_id
            AND balances.account_id = taken.account_id),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id,
            reverses_transfer_id, maker_id, checker_id, occurred_at, posted_at, salt)
        SELECT :community_id, item_id, item_id, '{kind}', split.account_id, :credit_account,
            from_lots + as_debt, source_kind, source_id, 0, memo, rule_version_id, {reverses},
            maker_id, checker_id, occurred_at, :now, salt
        FROM split JOIN item USING (item_id) WHERE from_lots + as_debt > 0
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    {also}
    move AS (INSERT INTO lot_moves SELECT :community_id, item_id, lot_id, points FROM pick),
    lot AS (
        UPDATE lots SET remaining = remaining - pick.points FROM pick
        WHERE community_id = :community_id AND lots.lot_id = pick.lot_id),
    balance AS (
        UPDATE balances SET posted = posted - from_lots - as_debt,
            lots_total = lots_total - from_lots, debt = debt + as_debt
        FROM split
        WHERE community_id = :community_id AND balances.account_id = split.account_id)
    SELECT item_id, from_lots + as_debt AS collected_points FROM split
"""  # noqa: S608 - fragments of our own


_DEDUCT = _take(TransferKind.DEDUCTION, order=SPENDING_ORDER, reverses="NULL")
_REVERSE = _take(
    TransferKind.REVERSAL, order=_OWN_LOT_FIRST, reverses="item.transfer_id", also=_REVERSED
)


async def deduct(
    session: AsyncSession,
    community_id: int,
    deductions: Rows,
    *,
    credit_account: int,
    now: datetime,
) -> dict[int, int]:
    """Take points, at most one deduction per account; return item → points collected."""
    return await _run(session, _DEDUCT, community_id, deductions, credit_account, now)


async def reverse_awards(
    session: AsyncSession,
    community_id: int,
    reversals: Rows,
    *,
    credit_account: int,
    now: datetime,
) -> dict[int, int]:
    """Take awards back, at most one per account; return item → points collected."""
    return await _run(session, _REVERSE, community_id, reversals, credit_account, now)


async def _run(
    session: AsyncSession,
    statement: str,
    community_id: int,
    items: Rows,
    credit_account: int,
    now: datetime,
) -> dict[int, int]:
    rows = await run_statement(
        session, statement,
        community_id=community_id, items=json.dumps(items), credit_account=credit_account, now=now,
    )  # fmt: skip
    return {row.item_id: row.collected_points for row in rows}
