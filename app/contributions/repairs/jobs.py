"""Background work on repair tasks that nobody reported in time. It may be repeated."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.repairs import queries


async def lapse_repairs(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> int:
    """Let what is past its date lapse, a community at a time; return how many tasks."""
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_overdue(session, now=now)
    lapsed = 0
    for community_id in communities:
        async with sessionmaker.begin() as session:
            lapsed += await queries.lapse(session, community_id, now=now)
    return lapsed
