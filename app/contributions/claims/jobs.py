"""Background work of claims: lists put to public notice, and awarded when that is over."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.claims.public_lists import queries, service

Sessions = async_sessionmaker[AsyncSession]


async def publish_award_lists(sessionmaker: Sessions, *, now: datetime) -> int:
    """Put every approved claim on a list, 1,000 a list and transaction; return how many.

    Safe to repeat: what is on a list waits for no other.
    """
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_approved(session)
    published = 0
    for community_id in communities:
        batch = service.MOST_LINES
        while batch == service.MOST_LINES:
            async with sessionmaker.begin() as session:
                batch = await service.publish_list(session, community_id, now=now)
            published += batch
    return published


async def settle_award_lists(sessionmaker: Sessions, *, now: datetime) -> int:
    """Decide the claims of every list whose notice is over, 500 a transaction; return how many.

    Safe to repeat: what is decided waits no more.
    """
    async with sessionmaker() as session:
        lists = await queries.list_lists_on_notice(session)
    settled = 0
    for community_id, notice_id in lists:
        batch = service.BATCH
        while batch == service.BATCH:
            async with sessionmaker.begin() as session:
                batch = await service.settle_batch(session, community_id, notice_id, now=now)
            settled += batch
    return settled
