"""Background work of rewards: vouchers past their date give their points back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rewards import queries, service


async def expire_vouchers(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> int:
    """End every lapsed voucher, 500 a transaction; return how many. Safe to repeat."""
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_lapsed(session, now=now)
    ended = 0
    for community_id in communities:
        while True:
            async with sessionmaker.begin() as session:
                batch = await service.expire_vouchers(session, community_id, now=now)
            ended += batch
            if batch < service.EXPIRY_BATCH:
                break
    return ended
