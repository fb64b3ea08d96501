"""The transaction of a request: one each, committed before the answer is sent."""

from asyncio import Semaphore, timeout
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core import queries

READ_METHODS = frozenset({"GET", "HEAD"})
MARK = "only_reads"
PATIENCE_SECONDS = 10.0

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def only_reads(endpoint: Endpoint) -> Endpoint:
    """Mark the endpoint of a POST that changes nothing, so that it cannot."""
    setattr(endpoint, MARK, True)
    return endpoint


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield the request's transaction: committed on return, rolled back on raise.

    Reading cannot write: a GET gets a session in which PostgreSQL refuses it. While the service
    runs, each of its statements is a transaction of its own (`make_engine(only_reads=True)`), as
    each would see the newest anyhow; that saves BEGIN and ROLLBACK. Where the state has no
    `read_sessionmaker`, it is a read-only transaction that is never committed.
    """
    state = request.app.state
    if not _only_reads(request):
        async with state.sessionmaker.begin() as session:
            yield session
        return
    reading: async_sessionmaker[AsyncSession] | None = getattr(state, "read_sessionmaker", None)
    if reading is not None:
        async with _in_turn(state.reading_turns), reading() as session:
            yield session
        return
    async with state.sessionmaker() as session:
        await queries.set_read_only(session)
        yield session
        await session.rollback()


@asynccontextmanager
async def _in_turn(turns: Semaphore) -> AsyncIterator[None]:
    """Wait for a connection in order of arrival, which the pool does not keep to.

    Raises TimeoutError, which is answered as a busy database is.
    """
    async with timeout(PATIENCE_SECONDS):
        await turns.acquire()
    try:
        yield
    finally:
        turns.release()


def _only_reads(request: Request) -> bool:
    endpoint = getattr(request.scope.get("route"), "endpoint", None)
    return request.method in READ_METHODS or getattr(endpoint, MARK, False)


async def get_now(request: Request) -> datetime:
    clock: Callable[[], datetime] = request.app.state.clock
    return clock()


def system_clock() -> datetime:
    """Read the time; the one place that asks the machine."""
    return datetime.now(UTC)  # noqa: TID251


# scope="function" ends the transaction before the response is sent.
Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
Now = Annotated[datetime, Depends(get_now)]
