"""SQL of the point policy: publishing it, and carrying it to the accounts that are there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.lapses import timestamp
from app.ledger.queries import run_statement

# A wallet that owes more than it may from now on keeps what it owes.
_SET_FLOORS = """
    UPDATE balances SET floor = least(CAST(:lowest_points AS bigint), -debt)
    WHERE community_id = :community_id AND account_id = ANY(:account_ids)
        AND floor <> least(CAST(:lowest_points AS bigint), -debt)
"""

_LIST_OWNERS_OF_LOTS = """
    SELECT account_id, kind FROM accounts
    WHERE community_id = :community_id AND account_id IN (SELECT account_id FROM lots
        WHERE community_id = :community_id AND lot_id = ANY(:lot_ids))
"""

_SEARCH_UNDATED = """
    SELECT max(lot_id) AS reached,
        array_agg(lot_id) FILTER (WHERE follows_policy AND expires_at = 'infinity') AS lot_ids
    FROM (
        SELECT lot_id, follows_policy, expires_at FROM lots
        WHERE community_id = :community_id AND lot_id > :after AND lot_id <= :until
        ORDER BY lot_id LIMIT :size) AS looked_at
"""


def _date_lots(which: str) -> str:
    return f"""
    WITH dated AS (
        UPDATE lots SET expires_at = CAST(CAST(:lapses_at AS text) AS timestamptz)
        WHERE community_id = :community_id AND account_id = ANY(:account_ids) AND {which}
            AND expires_at = 'infinity' AND follows_policy
        RETURNING account_id)
    UPDATE balances
    SET next_expiry_at = least(next_expiry_at, CAST(CAST(:lapses_at AS text) AS timestamptz))
    WHERE community_id = :community_id AND account_id IN (SELECT account_id FROM dated)
    """  # noqa: S608 - one of two conditions of our own


_DATE_WHAT_IS_LEFT = _date_lots("remaining > 0")
_DATE_LOTS = _date_lots("lot_id = ANY(:lot_ids)")

# When something lapses next is a lower bound, and may stay. A withdrawal finds the date again.
_EXEMPT_LOTS = """
    UPDATE lots SET expires_at = 'infinity'
    WHERE community_id = :community_id AND account_id = ANY(:account_ids) AND remaining > 0
        AND expires_at > :since AND expires_at < 'infinity'
"""


async def lock_policy(session: AsyncSession, community_id: int) -> None:
    """Let one transaction at a time publish a community's next version."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    await session.execute(statement, {"name": f"point policy of {community_id}"})


async def get_timezone(session: AsyncSession, community_id: int) -> str:
    statement = text("SELECT timezone FROM communities WHERE community_id = :community_id")
    return str((await session.execute(statement, {"community_id": community_id})).scalar_one())


async def set_floors(
    session: AsyncSession, community_id: int, account_ids: Sequence[int], *, lowest_points: int
) -> None:
    """Let wallets owe as much as the policy says; what they owe already may stay."""
    values = {
        "community_id": community_id,
        "account_ids": list(account_ids),
        "lowest_points": lowest_points,
    }
    await session.execute(text(_SET_FLOORS), values)


async def search_undated(
    session: AsyncSession, community_id: int, *, after: int, until: int, size: int
) -> Record:
    """Look at the next lots by number; return the last one, and which have no date."""
    (row,) = await run_statement(
        session, _SEARCH_UNDATED, community_id=community_id, after=after, until=until, size=size
    )
    return row


async def list_owners_of_lots(
    session: AsyncSession, community_id: int, lot_ids: Sequence[int]
) -> Sequence[Record]:
    """Return the accounts in which these lots lie."""
    return await run_statement(
        session, _LIST_OWNERS_OF_LOTS, community_id=community_id, lot_ids=list(lot_ids)
    )


async def date_lots(
    session: AsyncSession,
    community_id: int,
    account_ids: Sequence[int],
    *,
    lapses_at: datetime,
    lot_ids: Sequence[int] | None = None,
) -> None:
    """Give a date to lots that follow the policy and have none; whoever has one keeps it.

    Without `lot_ids` to all in which something is left: those are found by their account.
    """
    values: dict[str, Any] = {
        "community_id": community_id,
        "account_ids": list(account_ids),
        "lapses_at": timestamp(lapses_at),
    }
    if lot_ids is None:
        await session.execute(text(_DATE_WHAT_IS_LEFT), values)
    else:
        await session.execute(text(_DATE_LOTS), values | {"lot_ids": list(lot_ids)})


async def exempt_lots(
    session: AsyncSession, community_id: int, account_ids: Sequence[int], *, since: datetime
) -> None:
    """Take their date from lots in which something is left that had not lapsed by then."""
    values = {"community_id": community_id, "account_ids": list(account_ids), "since": since}
    await session.execute(text(_EXEMPT_LOTS), values)
