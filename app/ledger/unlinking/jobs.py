"""Erasing the salts of whoever has left. May be stopped anywhere, and repeated."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.unlinking import queries, service
from app.ledger.unlinking.service import Leaver

logger = structlog.get_logger()


async def erase_salts(sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime) -> int:
    """Unlink the sealed transfers of all who left, 500 a transaction; return how many.

    Also those that came after a resident's were all unlinked. One resident that fails does not
    hold up the others; it raises when they are done.
    """
    async with sessionmaker() as session:
        erasures = await queries.list_erasures(session)
    unlinked, failures = 0, []
    for row in erasures:
        try:
            unlinked += await _unlink(sessionmaker, Leaver(*row), now=now)
        except Exception as failure:
            logger.exception("salts could not be erased", resident_id=row.resident_id)
            failures.append(failure)
    if failures:
        raise failures[0]
    return unlinked


async def _unlink(
    sessionmaker: async_sessionmaker[AsyncSession], leaver: Leaver, *, now: datetime
) -> int:
    unlinked, after = 0, 0
    while True:
        async with sessionmaker.begin() as session:
            batch = await service.unlink_batch(session, leaver, after=after, now=now)
        unlinked += len(batch)
        if len(batch) < service.BATCH:
            return unlinked
        after = batch[-1]
