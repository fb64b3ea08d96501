"""Folding: a task of the API's process adds what awards have changed to the score counts.

A rank is exact however much waits; what waits is what every rank has to be corrected by, so it is
kept to what comes in within a moment.
"""

import asyncio
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.metrics import Figure
from app.standings import queries

# Rows are of a batch and a board each. Of check-ins these are some ten thousand changes, in less
# than a second; lists of thousands make so many that PostgreSQL may stop the statement (15 s).
FOLDED_AT_ONCE = 500
FOLDED_EVERY = 0.4

logger = structlog.get_logger()


async def fold(session: AsyncSession, *, size: int = FOLDED_AT_ONCE) -> int:
    """Add the oldest changes to the counts; return how many rows of changes there were.

    As many as `size`: there may be more. While another process folds, none.
    """
    return await queries.fold_changes(session, size=size)


async def keep_folding(
    sessionmaker: async_sessionmaker[AsyncSession], *, every: float = FOLDED_EVERY
) -> None:
    """Fold until cancelled, every so many seconds and at once while much waits.

    After a failure half as much is tried: what is too much at once is folded all the same.
    """
    size = FOLDED_AT_ONCE
    has_failed = False
    while True:
        is_all = True
        try:
            async with sessionmaker.begin() as session:
                is_all = await fold(session, size=size) < size
            has_failed = False
            size = min(2 * size, FOLDED_AT_ONCE)
        except Exception:
            # The database may be restarting: once is enough to say. Ranks stay exact meanwhile.
            if not has_failed:
                logger.exception("score changes wait")
            has_failed = True
            size = max(size // 2, 1)
        if is_all:
            await asyncio.sleep(every)


async def measure(session: AsyncSession, *, now: datetime) -> list[Figure]:  # noqa: ARG001
    """Return how much waits to be folded: what a moment brings, unless nobody folds."""
    return [
        Figure(
            "gridpoints_score_changes_waiting",
            "Batches whose changes of scores wait to be counted for ranks",
            await queries.count_changes(session),
        )
    ]
