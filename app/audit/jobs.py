"""Auditing every book, community by community."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import queries, service
from app.audit.models import Audit, AuditState

# A night's job that is tried again leaves alone what it has been through.
ONCE_IN = timedelta(hours=12)

logger = structlog.get_logger()


async def audit_books(
    sessionmaker: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]
) -> list[Audit]:
    """Audit every community that was not audited in the last twelve hours; return how they ended.

    A community that cannot be audited does not hold up the others; it raises when they are done.
    """
    async with sessionmaker() as session:
        due = await queries.list_due(session, since=clock() - ONCE_IN)
    ended, failures = [], []
    for community_id in due:
        try:
            audit = await service.run_audit(sessionmaker, community_id, clock=clock)
        except Exception as failure:
            logger.exception("a book could not be audited", community=community_id)
            failures.append(failure)
            continue
        ended.append(audit)
        if audit.state == AuditState.DIFFERENT:
            logger.error("a book is not what it should be", community=community_id,
                         audit=audit.audit_id, **(audit.difference or {}))  # fmt: skip
    if failures:
        raise failures[0]
    return ended
