"""The job worker: runs schedules and jobs, beside the API or as `gridpoints worker`.

A schedule only enqueues; what a job does is guarded in its own transaction, so a job that runs
twice changes nothing the second time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job, Schedule
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core import queries
from app.core.database import APP_ROLE
from app.core.idempotency import KEPT_FOR
from app.core.jobs import enqueue
from app.identity import queries as identity
from app.rewards import jobs as rewards

Clock = Callable[[], datetime]
MAX_ATTEMPTS = 5
RECONNECT_AFTER = 5
# A job whose worker died is picked up again after about eight seconds.
DEQUEUE_TIMEOUT = timedelta(seconds=5)
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What jobs work with."""

    sessionmaker: async_sessionmaker[AsyncSession]
    clock: Clock


async def clean_up(context: WorkerContext) -> None:
    """Delete what nobody can use any more: old answers, lapsed tokens, idle limits."""
    now = context.clock()
    async with context.sessionmaker.begin() as session:
        await queries.delete_keys_before(session, now - KEPT_FOR)
        await queries.delete_idle_limits(session, now_us=int(now.timestamp() * 1_000_000))
        await identity.delete_lapsed_tokens(session, now=now)


def register(jobs: PgQueuer, context: WorkerContext) -> None:
    """Tell the queue what each job does and when schedules ask for it."""

    def retried(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(
            parameters=parameters, max_attempts=MAX_ATTEMPTS, initial_delay=timedelta(seconds=1)
        )

    @jobs.entrypoint("expire_vouchers", on_failure="hold", executor_factory=retried)
    async def expire_vouchers(_job: Job) -> None:
        ended = await rewards.expire_vouchers(context.sessionmaker, now=context.clock())
        if ended:
            logger.info("vouchers expired", vouchers=ended)

    @jobs.entrypoint("clean_up", on_failure="hold", executor_factory=retried)
    async def clean_up_job(_job: Job) -> None:
        await clean_up(context)

    @jobs.schedule("every_minute", "* * * * *")
    async def every_minute(_schedule: Schedule) -> None:
        await ask_for(context, "expire_vouchers")

    @jobs.schedule("every_night", "17 3 * * *")
    async def every_night(_schedule: Schedule) -> None:
        await ask_for(context, "clean_up")


async def ask_for(context: WorkerContext, name: str) -> None:
    """Enqueue a job unless one like it is waiting."""
    async with context.sessionmaker.begin() as session:
        await enqueue(session, name, key=name)


async def connect(database_url: str) -> asyncpg.Connection:
    """Open the worker's own connection, for LISTEN, as the service's role."""
    url = make_url(database_url).set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    return await asyncpg.connect(
        dsn, server_settings={"role": APP_ROLE, "application_name": "gridpoints worker"}
    )


async def run_worker(context: WorkerContext, database_url: str) -> None:
    """Run jobs until cancelled; a lost connection is opened again."""
    while True:
        try:
            await run_connected(context, database_url)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as lost:
            logger.warning("worker lost its database", error=str(lost))
        await asyncio.sleep(RECONNECT_AFTER)


async def run_connected(context: WorkerContext, database_url: str) -> None:
    """Run jobs over one connection until it, or the listening on it, fails."""
    connection = await connect(database_url)
    try:
        jobs = PgQueuer.from_asyncpg_connection(connection)
        register(jobs, context)
        await jobs.run(
            dequeue_timeout=DEQUEUE_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            shutdown_on_listener_failure=True,
        )
    finally:
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=RECONNECT_AFTER)
