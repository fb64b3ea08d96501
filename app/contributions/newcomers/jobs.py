"""Background work for newcomers. The job may be repeated, and broken off anywhere."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.newcomers import queries, service


async def welcome_newcomers(
    sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime
) -> None:
    """Award whoever joined in the last 60 days what rules then gave for it, once.

    Each thousand awards are a transaction; a community without such a rule is not looked at.
    """
    async with sessionmaker() as session:
        communities = await queries.list_welcoming_communities(
            session, since=now - service.LOOKS_BACK, now=now
        )
    for community in communities:
        after: tuple[int, int] | None = service.BEGINNING
        while after is not None:
            async with sessionmaker.begin() as session:
                after = await service.welcome_batch(
                    session, community.community_id,
                    timezone=community.timezone, after=after, now=now,
                )  # fmt: skip
