"""Background work on duties. The job may be repeated, and broken off anywhere."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.duties import queries, service
from app.contributions.duties.months import Month, ended_months
from app.core.calendar import day_in


async def award_duties(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> None:
    """Award each of the last three months to whoever held a duty in it and has nothing for it yet.

    A month is looked for once it has ended by the community's own clock; each thousand awards are
    a transaction. Where nobody is left to award, a month costs one statement.
    """
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_duties(session)
    for community in communities:
        for month in ended_months(day_in(community.timezone, now)):
            await _award(
                sessionmaker, community.community_id, month, timezone=community.timezone, now=now
            )


async def _award(
    sessionmaker: async_sessionmaker[AsyncSession],
    community_id: int,
    month: Month,
    *,
    timezone: str,
    now: datetime,
) -> None:
    after = 0
    while True:
        async with sessionmaker.begin() as session:
            after = await service.award_batch(
                session, community_id, month, timezone=timezone, after=after, now=now
            )
        if not after:
            return
