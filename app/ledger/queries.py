"""SQL of the book. The statements that move points are set-based: one or five thousand.

Rows go in as one JSON array; fragments in capitals are single INSERTs or UPDATEs that a larger
statement may take into its WITH clause. Every caller holds the balance rows concerned.

Where such rows are joined with a table they carry a LIMIT of their own number: PostgreSQL expects
100 rows of json_to_recordset, and for so many it would rather read a whole table.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.models import PointPolicy

Rows = Sequence[dict[str, Any]]

INSERT_TRANSFERS = """
    INSERT INTO transfers (
        community_id, transfer_id, posting_id, kind, debit_account_id, credit_account_id, points,
        source_kind, source_id, leg, memo, rule_version_id, maker_id, checker_id, occurred_at,
        posted_at, salt)
    SELECT :community_id, transfer_id, transfer_id, kind, debit_account_id, credit_account_id,
        points, source_kind, source_id, leg, memo, rule_version_id, maker_id, checker_id,
        occurred_at, :now, salt
    FROM json_to_recordset(CAST(:transfers AS json)) AS row(
        transfer_id bigint, kind text, debit_account_id bigint, credit_account_id bigint,
        points bigint, source_kind text, source_id bigint, leg smallint, memo text,
        rule_version_id bigint, maker_id bigint, checker_id bigint, occurred_at timestamptz,
        salt bytea)
    RETURNING community_id, transfer_id
"""

QUEUE_SEALS = "INSERT INTO seal_queue SELECT community_id, transfer_id FROM transfer"

INSERT_LOTS = """
    INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining,
        earned_at, expires_at, follows_policy)
    SELECT :community_id, lot_id, account_id, lot_id, points, points, earned_at, expires_at,
        follows_policy
    FROM json_to_recordset(CAST(:lots AS json)) AS row(
        lot_id bigint, account_id bigint, points bigint, earned_at timestamptz,
        expires_at timestamptz, follows_policy boolean)
"""

ADD_TO_BALANCES = """
    UPDATE balances SET
        posted = posted + row.points,
        lots_total = lots_total + row.lot_points,
        debt = debt - row.repaid_points,
        next_expiry_at = least(next_expiry_at, row.expires_at)
    FROM (SELECT * FROM json_to_recordset(CAST(:balances AS json)) AS row(
            account_id bigint, points bigint, lot_points bigint, repaid_points bigint,
            expires_at timestamptz)
        LIMIT json_array_length(CAST(:balances AS json))) AS row
    WHERE balances.community_id = :community_id AND balances.account_id = row.account_id
    RETURNING balances.account_id, balances.posted
"""


# The free lots of each account in spending order, each with where it starts on a line of all
# free points; what is asked lies on the same line, and an overlap says what a lot gives.
def pick_free_lots(order: str) -> str:
    """Return the fragment, for lots that are spent in this order."""
    return f"""
    asked AS (
        SELECT *, sum(points) OVER (PARTITION BY account_id ORDER BY item_id) - points AS start
        FROM item),
    free AS (
        SELECT account_id, lot_id, remaining - held AS points,
            sum(remaining - held) OVER (PARTITION BY account_id ORDER BY {order})
                - (remaining - held) AS start
        FROM lots
        WHERE community_id = :community_id AND account_id IN (SELECT account_id FROM item)
            AND remaining > 0 AND remaining > held AND expires_at > :now),
    pick AS (
        SELECT asked.item_id, free.account_id, free.lot_id,
            least(asked.start + asked.points, free.start + free.points)
                - greatest(asked.start, free.start) AS points
        FROM asked JOIN free USING (account_id)
        WHERE free.start < asked.start + asked.points
            AND free.start + free.points > asked.start)
"""  # noqa: S608 - the order is one of our own


SPENDING_ORDER = "expires_at, lot_id"
PICK_FREE_LOTS = pick_free_lots(SPENDING_ORDER)

# Items that an account can pay in full, what it owes left aside, and the lots they take.
PICK_COVERED = f"""
    {PICK_FREE_LOTS},
    covered AS (
        SELECT asked.item_id FROM asked
            JOIN (SELECT account_id, sum(points) AS points FROM free GROUP BY account_id)
                AS there USING (account_id)
            JOIN balances ON balances.community_id = :community_id
                AND balances.account_id = asked.account_id
        WHERE asked.start + asked.points <= there.points - balances.debt),
    taken AS (SELECT pick.* FROM pick JOIN covered USING (item_id))
"""  # noqa: S608 - fragments of this room

_OPEN_WALLETS = """
    WITH account AS (
        INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
        SELECT :community_id, owner_id, 'wallet', owner_id, :now
        FROM unnest(CAST(:owner_ids AS bigint[])) AS owner_id)
    INSERT INTO balances (community_id, account_id, floor)
    SELECT :community_id, owner_id, coalesce((
        SELECT lowest_points FROM point_policies WHERE community_id = :community_id
        ORDER BY version DESC LIMIT 1), 0)
    FROM unnest(CAST(:owner_ids AS bigint[])) AS owner_id
"""

_OPEN_PLAIN_ACCOUNTS = """
    INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
    SELECT :community_id, account_id, kind, account_id, :now
    FROM json_to_recordset(CAST(:accounts AS json)) AS row(account_id bigint, kind text)
"""

_OPEN_GUARDED_ACCOUNT = """
    WITH account AS (
        INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
        VALUES (:community_id, :account_id, :kind, :owner_id, :now))
    INSERT INTO balances (community_id, account_id) VALUES (:community_id, :account_id)
"""

_LIST_ACCOUNTS = """
    SELECT account_id, kind FROM accounts
    WHERE community_id = :community_id AND account_id > :after
    ORDER BY account_id LIMIT :size
"""

_LOCK_BALANCES = """
    SELECT account_id, posted, lots_total, debt, held FROM balances
    WHERE community_id = :community_id AND account_id = ANY(:account_ids)
    ORDER BY account_id
    FOR NO KEY UPDATE
"""
_LOCK_FREE_BALANCES = f"{_LOCK_BALANCES} SKIP LOCKED"

# Whatever a person owns, in account order: to take from a wallet may mean to reach into savings.
_LOCK_OWNED = """
    SELECT accounts.account_id, kind, owner_id, posted, lots_total, debt, balances.held
    FROM accounts JOIN balances ON balances.community_id = accounts.community_id
        AND balances.account_id = accounts.account_id
    WHERE accounts.community_id = :community_id AND kind IN ('wallet', 'savings')
        AND owner_id = ANY(:owner_ids)
    ORDER BY accounts.account_id
    FOR NO KEY UPDATE OF balances
"""

# What has lapsed is nobody's any more, whether or not the job has come by.
LAPSED_FREE = """
    CASE WHEN next_expiry_at > :now THEN 0 ELSE (
        SELECT coalesce(sum(remaining - lots.held), 0)::bigint FROM lots
        WHERE lots.community_id = balances.community_id
            AND lots.account_id = balances.account_id
            AND remaining > 0 AND expires_at <= :now) END
"""

AVAILABLE = f"greatest(lots_total - balances.held - debt - {LAPSED_FREE}, 0)"

# The free points of a balance that lapse first; only looked for where any has a date.
NEXT_LAPSE = """
    SELECT expires_at, sum(remaining - lots.held)::bigint AS points FROM lots
    WHERE balances.next_expiry_at < 'infinity'
        AND lots.community_id = balances.community_id
        AND lots.account_id = balances.account_id
        AND remaining > 0 AND remaining > lots.held
        AND expires_at > :now AND expires_at < 'infinity'
    GROUP BY expires_at ORDER BY expires_at LIMIT 1
"""

# Savings are found by the wallet's number, which is its owner's.
_GET_BALANCE = f"""
    SELECT posted, debt, held, {AVAILABLE} AS available, next.points AS next_points,
        next.expires_at AS next_expires_at,
        coalesce((SELECT {AVAILABLE}
            FROM accounts JOIN balances ON balances.community_id = accounts.community_id
                AND balances.account_id = accounts.account_id
            WHERE accounts.community_id = :community_id AND kind = 'savings'
                AND owner_id = :account_id), 0) AS savings_points
    FROM balances LEFT JOIN LATERAL ({NEXT_LAPSE}) AS next ON true
    WHERE balances.community_id = :community_id AND balances.account_id = :account_id
"""  # noqa: S608 - fragments of this room


async def run_statement(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    """Run one of this room's statements and return its rows."""
    return (await session.execute(_parsed(statement), values)).all()


# Statements are constants, and taking one apart costs more than sending it.
_parsed = cache(text)


async def open_wallets(
    session: AsyncSession, community_id: int, owner_ids: Sequence[int], *, now: datetime
) -> None:
    """Open a wallet with a balance of 0 for each owner."""
    values = {"community_id": community_id, "owner_ids": list(owner_ids), "now": now}
    await session.execute(text(_OPEN_WALLETS), values)


async def open_plain_accounts(
    session: AsyncSession, community_id: int, accounts: Sequence[tuple[int, str]], *, now: datetime
) -> None:
    """Open accounts whose balance is not guarded: shops and the system's."""
    rows = json.dumps([{"account_id": number, "kind": kind} for number, kind in accounts])
    values = {"community_id": community_id, "accounts": rows, "now": now}
    await session.execute(text(_OPEN_PLAIN_ACCOUNTS), values)


async def open_guarded_account(
    session: AsyncSession,
    community_id: int,
    account_id: int,
    kind: str,
    *,
    owner_id: int,
    now: datetime,
) -> None:
    """Open an account with a balance of 0 that never falls below: savings and funds."""
    values = {"community_id": community_id, "account_id": account_id, "kind": kind}
    await session.execute(text(_OPEN_GUARDED_ACCOUNT), values | {"owner_id": owner_id, "now": now})


async def list_accounts(
    session: AsyncSession, community_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return the next accounts by number, whatever their kind, for a job that walks over all."""
    return await run_statement(
        session, _LIST_ACCOUNTS, community_id=community_id, after=after, size=size
    )


async def lock_balances(
    session: AsyncSession, community_id: int, account_ids: Sequence[int], *, waits: bool = True
) -> dict[int, Record]:
    """Lock balance rows in account order until the transaction ends; return those that exist.

    Who does not wait gets those that nobody else has locked.
    """
    rows = await run_statement(
        session,
        _LOCK_BALANCES if waits else _LOCK_FREE_BALANCES,
        community_id=community_id,
        account_ids=sorted(set(account_ids)),
    )
    return {row.account_id: row for row in rows}


async def lock_owned(
    session: AsyncSession, community_id: int, owner_ids: Sequence[int]
) -> Sequence[Record]:
    """Lock the wallets and savings of these owners, in account order, and return them."""
    owners = sorted(set(owner_ids))
    return await run_statement(session, _LOCK_OWNED, community_id=community_id, owner_ids=owners)


async def get_balance(
    session: AsyncSession, community_id: int, account_id: int, *, now: datetime
) -> Record | None:
    """Return posted, debt, held, available and saved points, and what lapses next.

    Lapsed lots do not count as available.
    """
    values = {"community_id": community_id, "account_id": account_id, "now": now}
    return (await session.execute(_parsed(_GET_BALANCE), values)).one_or_none()


async def get_policy(session: AsyncSession, community_id: int) -> PointPolicy:
    """Return the newest version of the community's point policy; every community has one."""
    statement = (
        select(PointPolicy)
        .where(PointPolicy.community_id == community_id)
        .order_by(PointPolicy.version.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one()
