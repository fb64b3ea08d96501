"""The daily round of notices. It may be repeated, also after it was cut short."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.notices import service


async def tell_lapses(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> None:
    """Tell residents of points that will lapse or be cut, 1,000 accounts a transaction."""
    async with sessionmaker() as session:
        rounds = await service.list_rounds(session, now=now)
    for one in rounds:
        after = 0
        while True:
            async with sessionmaker.begin() as session:
                after = await service.tell_next(session, one, after=after)
            if not after:
                break
