"""The transaction of a request: one each, committed before the answer is sent."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core import queries

READ_METHODS = frozenset({"GET", "HEAD"})


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield the request's transaction: committed on return, rolled back on raise.

    A GET gets a read-only one that is never committed, so reading cannot write.
    """
    maker: async_sessionmaker[AsyncSession] = request.app.state.sessionmaker
    if request.method in READ_METHODS:
        async with maker() as session:
            await queries.set_read_only(session)
            yield session
            await session.rollback()
        return
    async with maker.begin() as session:
        yield session


async def get_now(request: Request) -> datetime:
    clock: Callable[[], datetime] = request.app.state.clock
    return clock()


def system_clock() -> datetime:
    """Read the time; the one place that asks the machine."""
    return datetime.now(UTC)  # noqa: TID251


# scope="function" ends the transaction before the response is sent.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
Now = Annotated[datetime, Depends(get_now)]
