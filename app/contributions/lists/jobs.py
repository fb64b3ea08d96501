"""Background work on award lists. The job may be repeated, and broken off anywhere."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.lists import giving, queries


async def post_award_lists(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> int:
    """Award every list that is approved and whose notice is over; return how many were looked at.

    Each thousand rows are a transaction.
    """
    async with sessionmaker() as session:
        due = await queries.list_due(session, now=now)
    for row in due:
        is_more = True
        while is_more:
            async with sessionmaker.begin() as session:
                is_more = await giving.give_batch(
                    session, row.community_id, row.award_list_id, now=now
                )
    return len(due)
