"""Background work on a new point policy. It may be repeated, and comes late without harm."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import MAX_ID
from app.ledger.point_policy import service

# Awards' lots first, then those made of other lots: each of these is newer, and its number higher,
# than what it is made of, so those made meanwhile are met as well.
LOTS = ((0, MAX_ID), (-MAX_ID, -1))


async def apply_point_policy(
    sessionmaker: async_sessionmaker[AsyncSession], community_id: int
) -> None:
    """Carry a community's newest policy to its accounts, and then to lots that those left out."""
    after = 0
    while True:
        async with sessionmaker.begin() as session:
            after = await service.apply_to_accounts(session, community_id, after=after)
        if not after:
            break
    for first, until in LOTS:
        reached: int | None = first
        while reached is not None:
            async with sessionmaker.begin() as session:
                reached = await service.apply_to_lots(
                    session, community_id, after=reached, until=until
                )
