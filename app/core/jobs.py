"""Background work: jobs are rows, enqueued in the transaction that wants them done.

pgqueuer delivers at least once, so every job is idempotent: what it does is guarded by a state
or a unique row in its own transaction. A job that fails for good is held, never dropped; the
worker tries those again every hour that no schedule asks for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncSession


class Job(NamedTuple):
    """What is to be done; while one with this key waits or runs, it is not asked for again."""

    name: str
    key: str
    payload: bytes


class SessionDriver:
    """Lets pgqueuer enqueue through our session, hence in our transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, query: str, *args: Any) -> list[dict[str, Any]]:
        connection = await self._session.connection()
        result = await connection.exec_driver_sql(query, args)
        return [dict(row) for row in result.mappings()]


async def enqueue(
    session: AsyncSession,
    name: str,
    *,
    key: str,
    payload: bytes = b"",
    after: timedelta | None = None,
) -> None:
    """Ask for a job once: while one with this key waits or runs, nothing is added."""
    driver: Any = SessionDriver(session)
    await Queries(driver).enqueue(
        name, payload, execute_after=after, dedupe_key=key, on_conflict="skip"
    )


async def enqueue_all(session: AsyncSession, name: str, payloads: Mapping[str, bytes]) -> None:
    """Ask for several jobs of a kind in one statement; `payloads` by key, each as in enqueue."""
    await enqueue_each(session, [Job(name, key, payload) for key, payload in payloads.items()])


async def enqueue_each(session: AsyncSession, jobs: Sequence[Job]) -> None:
    """Ask for several jobs in one statement, each as in enqueue."""
    if not jobs:
        return
    driver: Any = SessionDriver(session)
    await Queries(driver).enqueue(
        [job.name for job in jobs],
        [job.payload for job in jobs],
        [0] * len(jobs),
        dedupe_key=[job.key for job in jobs],
        on_conflict="skip",
    )
