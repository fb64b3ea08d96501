"""Background work on holds that nobody captured in time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.holds import queries, service


async def expire_holds(
    sessionmaker: async_sessionmaker[AsyncSession], *, not_for: Sequence[str], now: datetime
) -> int:
    """Free the points of every hold past its date, 500 a transaction; return how many."""
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_lapsed(session, not_for=not_for, now=now)
    ended = 0
    for community_id in communities:
        while True:
            async with sessionmaker.begin() as session:
                batch = await service.expire_holds(session, community_id, not_for=not_for, now=now)
            ended += batch
            if batch < service.EXPIRY_BATCH:
                break
    return ended
