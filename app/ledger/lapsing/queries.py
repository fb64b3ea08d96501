"""SQL that ends points, some hundred wallets at a time."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.lapses import timestamp
from app.ledger.models import SystemAccount, TransferKind
from app.ledger.queries import QUEUE_SEALS, Rows, run_statement

_LIST_COMMUNITIES_WITH_LAPSED = """
    SELECT community_id, timezone FROM communities
    WHERE EXISTS (SELECT FROM balances
        WHERE balances.community_id = communities.community_id AND next_expiry_at <= :now)
    ORDER BY community_id
"""

# Whoever else holds a balance row is not waited for: the next run finds it again.
_LOCK_LAPSED = """
    SELECT account_id FROM balances
    WHERE community_id = :community_id AND next_expiry_at <= :now
    ORDER BY next_expiry_at LIMIT :size
    FOR NO KEY UPDATE SKIP LOCKED
"""


# Every row of `cut` carries its item along: joining the two would be a nested loop, 500 by 500,
# whenever PostgreSQL expects few rows of a WITH clause, and it does.
def _post(kind: TransferKind, source_kind: str) -> str:
    """Return the fragments that post what `cut` takes from lots for an item."""
    return f"""
    taken AS (
        SELECT item_id, account_id, memo, maker_id, salt, sum(points)::bigint AS points
        FROM cut GROUP BY item_id, account_id, memo, maker_id, salt),
    transfer AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
            posted_at, salt)
        SELECT :community_id, item_id, item_id, '{kind}', account_id,
            {SystemAccount.EXPIRED.value}, points, {source_kind}, item_id, 0, memo, maker_id,
            :now, :now, salt
        FROM taken
        RETURNING community_id, transfer_id),
    seal AS ({QUEUE_SEALS}),
    move AS (
        INSERT INTO lot_moves
        SELECT :community_id, item_id, lot_id, points FROM cut),
    """  # noqa: S608 - fragments of our own


def _sum_ended(accounts: str) -> str:
    """Return what each account loses, which may be nothing; again without a join."""
    return f"""
        SELECT account_id, sum(points)::bigint AS points
        FROM (SELECT account_id, points FROM cut UNION ALL SELECT account_id, 0 FROM {accounts})
            AS part
        GROUP BY account_id"""  # noqa: S608 - a fragment of our own


_ITEM = """
    item AS (
        SELECT * FROM json_to_recordset(CAST(:items AS json)) AS row(
            item_id bigint, account_id bigint, memo text, maker_id bigint, salt bytea)
        LIMIT json_array_length(CAST(:items AS json)))
"""

# `until` is now for what has lapsed, and infinity for a wallet that is closed. What a hold pins
# stays; it lapses when the hold lets go of it.
_LAPSE = f"""
    WITH {_ITEM},
    cut AS (
        UPDATE lots SET remaining = lots.held
        FROM (SELECT item.*, lot_id, remaining - held AS points
            FROM item JOIN lots ON community_id = :community_id
                AND lots.account_id = item.account_id
            WHERE remaining > 0 AND remaining > held
                AND expires_at <= CAST(CAST(:until AS text) AS timestamptz)) AS free
        WHERE community_id = :community_id AND lots.lot_id = free.lot_id
        RETURNING free.*),
    {_post(TransferKind.EXPIRY, ":source_kind")}
    balance AS (
        UPDATE balances SET posted = posted - ended.points,
            lots_total = lots_total - ended.points,
            next_expiry_at = coalesce((
                SELECT min(expires_at) FROM lots
                WHERE lots.community_id = :community_id AND lots.account_id = ended.account_id
                    AND remaining > 0 AND remaining > lots.held
                    AND expires_at > CAST(CAST(:until AS text) AS timestamptz)),
                'infinity')
        FROM ({_sum_ended("item")}) AS ended
        WHERE community_id = :community_id AND balances.account_id = ended.account_id)
    SELECT account_id, points FROM taken
"""  # noqa: S608 - fragments of this room

_LIST_DECAYING_COMMUNITIES = """
    SELECT policy.community_id, decay ->> 'percent' AS percent, decay_since,
        CAST(:now AS timestamptz) - make_interval(months => CAST(decay ->> 'months' AS integer))
            AS unused_since
    FROM communities JOIN LATERAL (
        SELECT * FROM point_policies AS newest
        WHERE newest.community_id = communities.community_id
        ORDER BY version DESC LIMIT 1) AS policy ON true
    WHERE decay IS NOT NULL
    ORDER BY policy.community_id
"""

# A wallet whose points lie unused: since it was last used, last halved, or the policy switched on.
IS_UNUSED = """
    lots_total > balances.held
        AND coalesce(greatest(last_spent_at, decayed_at, CAST(:decay_since AS timestamptz)),
            '-infinity') <= :unused_since
"""

_LOCK_UNUSED = f"""
    SELECT account_id FROM balances
    WHERE community_id = :community_id AND account_id = ANY(:account_ids) AND {IS_UNUSED}
        AND EXISTS (SELECT FROM lots
            WHERE lots.community_id = balances.community_id
                AND lots.account_id = balances.account_id AND remaining > 0
                AND remaining > lots.held AND expires_at > :now AND earned_at <= :unused_since)
    ORDER BY account_id
    FOR NO KEY UPDATE
"""  # noqa: S608 - a fragment of this room

# Rounding runs along the lots: together they lose the percentage of the whole, rounded down.
_DECAY = f"""
    WITH {_ITEM},
    due AS (
        SELECT item.* FROM item JOIN balances
            ON balances.community_id = :community_id AND balances.account_id = item.account_id
        WHERE {IS_UNUSED}),
    free AS (
        SELECT due.*, lot_id, remaining - held AS free_points,
            sum(remaining - held) OVER (PARTITION BY due.account_id ORDER BY expires_at, lot_id)
                AS upto
        FROM due JOIN lots ON community_id = :community_id AND lots.account_id = due.account_id
        WHERE remaining > 0 AND remaining > held AND expires_at > :now
            AND earned_at <= :unused_since),
    cut AS (
        SELECT * FROM (
            SELECT item_id, account_id, memo, maker_id, salt, lot_id,
                (div(upto * CAST(:percent AS bigint), 100)
                    - div((upto - free_points) * CAST(:percent AS bigint), 100))::bigint AS points
            FROM free) AS share
        WHERE points > 0),
    {_post(TransferKind.DECAY, "'decay'")}
    lot AS (
        UPDATE lots SET remaining = remaining - cut.points FROM cut
        WHERE community_id = :community_id AND lots.lot_id = cut.lot_id),
    balance AS (
        UPDATE balances SET posted = posted - ended.points,
            lots_total = lots_total - ended.points, decayed_at = :now
        FROM ({_sum_ended("due")}) AS ended
        WHERE community_id = :community_id AND balances.account_id = ended.account_id)
    SELECT account_id, points FROM taken
"""  # noqa: S608 - fragments of this room


async def list_communities_with_lapsed(session: AsyncSession, *, now: datetime) -> Sequence[Record]:
    return await run_statement(session, _LIST_COMMUNITIES_WITH_LAPSED, now=now)


async def lock_lapsed(
    session: AsyncSession, community_id: int, *, now: datetime, size: int
) -> list[int]:
    """Lock some accounts in which something has lapsed; those in use are left out."""
    rows = await run_statement(session, _LOCK_LAPSED, community_id=community_id, now=now, size=size)
    return [row.account_id for row in rows]


async def lapse(
    session: AsyncSession,
    community_id: int,
    items: Rows,
    *,
    source_kind: str,
    until: datetime,
    now: datetime,
) -> dict[int, int]:
    """Let free points lapse whose date is `until` or before; return account → points, if any."""
    rows = await run_statement(
        session, _LAPSE,
        community_id=community_id, items=json.dumps(items), source_kind=source_kind,
        until=timestamp(until), now=now,
    )  # fmt: skip
    return {row.account_id: row.points for row in rows}


async def list_decaying_communities(session: AsyncSession, *, now: datetime) -> Sequence[Record]:
    """Return the communities in which unused points lose value, and since when unused counts."""
    return (await session.execute(text(_LIST_DECAYING_COMMUNITIES), {"now": now})).all()


async def lock_unused(
    session: AsyncSession,
    community_id: int,
    account_ids: Sequence[int],
    *,
    decay_since: datetime | None,
    unused_since: datetime,
    now: datetime,
) -> list[int]:
    """Lock those of the wallets in which points have lain unused for so long."""
    rows = await run_statement(
        session, _LOCK_UNUSED,
        community_id=community_id, account_ids=list(account_ids), decay_since=decay_since,
        unused_since=unused_since, now=now,
    )  # fmt: skip
    return [row.account_id for row in rows]


async def decay(
    session: AsyncSession,
    community_id: int,
    items: Rows,
    *,
    percent: int,
    decay_since: datetime | None,
    unused_since: datetime,
    now: datetime,
) -> dict[int, int]:
    """Cut unused points by a percentage; return account → points cut, where there were any."""
    rows = await run_statement(
        session, _DECAY,
        community_id=community_id, items=json.dumps(items), percent=percent,
        decay_since=decay_since, unused_since=unused_since, now=now,
    )  # fmt: skip
    return {row.account_id: row.points for row in rows}
