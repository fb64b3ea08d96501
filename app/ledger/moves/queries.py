"""SQL that moves free points from one account to another; every caller holds the balance rows."""

import json
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import TransferKind
from app.ledger.queries import PICK_COVERED, QUEUE_SEALS, Rows, run_statement

# A receiver that is not guarded keeps no lots.
_NO_LOTS = """
    SELECT 0::bigint AS account_id, 0::bigint AS points, NULL::timestamptz AS expires_at WHERE false
"""

# A fund's points never lapse, and nobody asks where they came from: one lot for each donation.
_ONE_LOT = """
    INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at)
    SELECT :community_id, item_id, credit_account_id, item_id, points, points, :now
    FROM item JOIN covered USING (item_id)
    RETURNING account_id, granted AS points, expires_at
"""


def _same_lots(expires_at: str, *, earned_at: str = ":now") -> str:
    """Return the fragment that makes a lot of each lot taken, lapsing by an expression."""
    return f"""
    INSERT INTO lots (community_id, lot_id, account_id, transfer_id, origin_lot_id, granted,
        remaining, earned_at, expires_at, follows_policy)
    SELECT :community_id, nextval('derived_lots'), item.credit_account_id, item_id,
        coalesce(lots.origin_lot_id, lots.lot_id), taken.points, taken.points, {earned_at},
        {expires_at}, lots.follows_policy
    FROM taken
        JOIN item USING (item_id)
        JOIN lots ON lots.community_id = :community_id AND lots.lot_id = taken.lot_id
        LEFT JOIN lots AS origin ON origin.community_id = :community_id
            AND origin.lot_id = lots.origin_lot_id
    RETURNING account_id, granted AS points, expires_at
    """  # noqa: S608 - fragments of our own


# A gift keeps its age too, or giving to and fro would make old points young.
_AS_BEFORE = _same_lots("lots.expires_at", earned_at="lots.earned_at")
# An item may say when points lapse that lie in savings (never, where the policy exempts them).
_AS_SAVED = _same_lots("coalesce(item.lapses_at, lots.expires_at)")
# Points that savings kept from lapsing get their own date back, or at least a little time.
_AS_WITHDRAWN = _same_lots("""
    CASE WHEN lots.expires_at < 'infinity' THEN lots.expires_at
        WHEN origin.expires_at < 'infinity' THEN greatest(origin.expires_at, item.lapses_at)
        WHEN lots.follows_policy THEN item.policy_lapses_at
        ELSE 'infinity' END""")


def _move(kind: TransferKind, *, kept_as: str, is_use: bool) -> str:
    last_spent_at = (
        "CASE WHEN side.has_paid THEN greatest(last_spent_at, :now) ELSE last_spent_at END"
    )
    return f"""
    WITH item AS (
        SELECT * FROM json_to_recordset(CAST(:items AS json)) AS row(
            item_id bigint, account_id bigint, points bigint, credit_account_id bigint,
            source_kind text, source_id bigint, memo text, maker_id bigint,
            occurred_at timestamptz, salt bytea, lapses_at timestamptz,
            policy_lapses_at timestamptz)
        LIMIT json_array_length(CAST(:items AS json))),
    {PICK_COVERED},
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
            posted_at, salt)
        SELECT :community_id, item_id, item_id, '{kind}', account_id, credit_account_id, points,
            source_kind, source_id, 0, memo, maker_id, occurred_at, :now, salt
        FROM item JOIN covered USING (item_id)
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    move AS (INSERT INTO lot_moves SELECT :community_id, item_id, lot_id, points FROM taken),
    lot AS (
        UPDATE lots SET remaining = remaining - taken.points
        FROM (SELECT lot_id, sum(points) AS points FROM taken GROUP BY lot_id) AS taken
        WHERE community_id = :community_id AND lots.lot_id = taken.lot_id),
    kept AS ({kept_as}),
    side AS (
        SELECT account_id, sum(points)::bigint AS points, bool_or(has_paid) AS has_paid,
            min(expires_at) AS expires_at
        FROM (
            SELECT account_id, -points, true, NULL::timestamptz
            FROM item JOIN covered USING (item_id)
            UNION ALL SELECT account_id, points, false, expires_at FROM kept)
            AS part (account_id, points, has_paid, expires_at)
        GROUP BY account_id),
    balance AS (
        UPDATE balances SET posted = posted + side.points, lots_total = lots_total + side.points,
            last_spent_at = {last_spent_at if is_use else "last_spent_at"},
            next_expiry_at = least(next_expiry_at, side.expires_at)
        FROM side
        WHERE community_id = :community_id AND balances.account_id = side.account_id)
    SELECT item_id FROM covered
    """  # noqa: S608 - fragments of our own


_MOVES = {
    TransferKind.SPEND: _move(TransferKind.SPEND, kept_as=_NO_LOTS, is_use=True),
    TransferKind.DONATION: _move(TransferKind.DONATION, kept_as=_ONE_LOT, is_use=True),
    TransferKind.GIFT: _move(TransferKind.GIFT, kept_as=_AS_BEFORE, is_use=True),
    TransferKind.SAVING: _move(TransferKind.SAVING, kept_as=_AS_SAVED, is_use=False),
    TransferKind.WITHDRAWAL: _move(TransferKind.WITHDRAWAL, kept_as=_AS_WITHDRAWN, is_use=False),
}

_SUM_FREE = """
    SELECT account_id, sum(remaining - held)::bigint AS points FROM lots
    WHERE community_id = :community_id AND account_id = ANY(:account_ids)
        AND remaining > 0 AND expires_at > :now
    GROUP BY account_id
"""


async def move(
    session: AsyncSession, community_id: int, kind: TransferKind, items: Rows, *, now: datetime
) -> set[int]:
    """Move points, whole or not at all; return the items that their accounts could pay."""
    rows = await run_statement(
        session, _MOVES[kind], community_id=community_id, items=json.dumps(items), now=now
    )
    return {row.item_id for row in rows}


async def sum_free(
    session: AsyncSession, community_id: int, account_ids: list[int], *, now: datetime
) -> dict[int, int]:
    """Return what lies in the accounts' lots that has not lapsed and no hold pins."""
    rows = await run_statement(
        session, _SUM_FREE, community_id=community_id, account_ids=account_ids, now=now
    )
    return {row.account_id: row.points for row in rows}
