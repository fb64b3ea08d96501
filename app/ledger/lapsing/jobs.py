"""Background work on points that come to their end. Every job may be repeated."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.lapsing import queries, service


async def expire_points(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> int:
    """Post what has lapsed, 500 accounts a transaction; return how many accounts."""
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_lapsed(session, now=now)
    ended = 0
    for community in communities:
        while True:
            async with sessionmaker.begin() as session:
                batch = await service.expire_points(session, community.community_id, now=now)
            ended += batch
            if batch < service.BATCH:
                break
    return ended


async def decay_points(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> None:
    """Cut what has lain unused for too long, where a community's policy says so."""
    async with sessionmaker() as session:
        found = await queries.list_decaying_communities(session, now=now)
    for row in found:
        decay = service.Decay(row.community_id, int(row.percent), row.decay_since, row.unused_since)
        after = 0
        while True:
            async with sessionmaker.begin() as session:
                after = await service.decay_points(session, decay, after=after, now=now)
            if not after:
                break
