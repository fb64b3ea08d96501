"""SQL of gifts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import run_statement

_LIST_PEOPLE = """
    SELECT resident_id, person_id, masked_name FROM residents
    WHERE community_id = :community_id AND resident_id = ANY(:resident_ids) AND state = 'active'
"""

# System accounts never give; to say so lets the index of debits serve.
_SUM_GIVEN = """
    SELECT coalesce(sum(points), 0)::bigint FROM transfers
    WHERE community_id = :community_id AND debit_account_id = :account_id
        AND debit_account_id > 999 AND kind = 'gift' AND posted_at >= :since
"""


async def list_people(
    session: AsyncSession, community_id: int, resident_ids: Sequence[int]
) -> dict[int, Record]:
    """Return resident → person and masked name, of those who are active."""
    rows = await run_statement(
        session, _LIST_PEOPLE, community_id=community_id, resident_ids=list(resident_ids)
    )
    return {row.resident_id: row for row in rows}


async def sum_given(
    session: AsyncSession, community_id: int, account_id: int, *, since: datetime
) -> int:
    """Return the points an account has given away since then; the caller holds its balance."""
    values = {"community_id": community_id, "account_id": account_id, "since": since}
    return int((await session.execute(text(_SUM_GIVEN), values)).scalar_one())
