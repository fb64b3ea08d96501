"""SQL of funds: what they are, and what the book says of their accounts."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.funds.models import Fund

# A page of funds reads as many balances; what each was given in all is counted for one at a time.
_LIST_FUNDS = """
    SELECT fund_id, code, name, description, state, posted AS points, created_at
    FROM funds JOIN balances ON balances.community_id = funds.community_id
        AND balances.account_id = funds.fund_id
    WHERE funds.community_id = :community_id AND fund_id > :after
    ORDER BY fund_id LIMIT :size
"""

_DESCRIBE_FUND = """
    SELECT fund_id, code, name, description, state, posted AS points, created_at,
        donated_points, donor_count
    FROM funds
        JOIN balances ON balances.community_id = funds.community_id
            AND balances.account_id = funds.fund_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points), 0)::bigint AS donated_points,
                count(DISTINCT debit_account_id) AS donor_count
            FROM transfers
            WHERE transfers.community_id = :community_id AND credit_account_id = :fund_id
                AND credit_account_id > 999 AND kind = 'donation') AS donated
    WHERE funds.community_id = :community_id AND fund_id = :fund_id
"""


async def get_fund(session: AsyncSession, community_id: int, fund_id: int) -> Fund | None:
    return await session.get(Fund, (community_id, fund_id))


async def list_fund_codes(session: AsyncSession, community_id: int) -> set[str]:
    return set(await session.scalars(select(Fund.code).where(Fund.community_id == community_id)))


async def list_funds(
    session: AsyncSession, community_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return funds with the points they hold, in the order they were opened."""
    values = {"community_id": community_id, "after": after, "size": size}
    return (await session.execute(text(_LIST_FUNDS), values)).all()


async def describe_fund(session: AsyncSession, community_id: int, fund_id: int) -> Record | None:
    """Return a fund with what it holds and what it was given; reads each of its donations."""
    values = {"community_id": community_id, "fund_id": fund_id}
    return (await session.execute(text(_DESCRIBE_FUND), values)).one_or_none()
