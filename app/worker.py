"""The job worker: runs schedules and jobs, beside the API or as `gridpoints worker`.

A schedule only enqueues; what jobs do stands in app.jobs.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job, Schedule
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.core.database import APP_ROLE
from app.core.jobs import enqueue
from app.jobs import JOBS, SCHEDULES, Work, WorkerContext

MAX_ATTEMPTS = 5
RECONNECT_AFTER = 5
# How a connection ends; the last is one that nothing is heard on any more.
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, FailingListenerError)
# Takes as long as the books are large, and goes on where it was: no worker waits for its end.
BROKEN_OFF = ("audit_books",)
# Asked for a second time between two minutes, so that nothing waits for a whole one.
AGAIN_AFTER = {"seal_transfers": timedelta(seconds=30)}
# A job whose worker died is picked up again after about eight seconds.
DEQUEUE_TIMEOUT = timedelta(seconds=5)
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
logger = structlog.get_logger()


def register(jobs: PgQueuer, context: WorkerContext) -> None:
    """Tell the queue what each job does and when schedules ask for it."""
    for name, work in JOBS.items():
        _add_job(jobs, context, name, work)
    for name, (expression, wanted) in SCHEDULES.items():
        _add_schedule(jobs, context, name, expression, wanted)


def _add_job(jobs: PgQueuer, context: WorkerContext, name: str, work: Work) -> None:
    def retried(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(
            parameters=parameters, max_attempts=MAX_ATTEMPTS, initial_delay=timedelta(seconds=1)
        )

    @jobs.entrypoint(name, on_failure="hold", executor_factory=retried)
    async def run(job: Job) -> None:
        doing = asyncio.ensure_future(work(context, job.payload or b""))
        if name in BROKEN_OFF:
            await _until_stopped(doing, jobs.shutdown)
        await doing


async def _until_stopped(doing: asyncio.Future[object], shutdown: asyncio.Event) -> None:
    """Wait for a job's end; break it off, to be done again, once the worker is to stop."""
    stopping = asyncio.ensure_future(shutdown.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise RetryRequested(reason="the worker stops")
    finally:
        stopping.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})


def _add_schedule(
    jobs: PgQueuer, context: WorkerContext, name: str, expression: str, wanted: tuple[str, ...]
) -> None:
    @jobs.schedule(name, expression)
    async def ask(_schedule: Schedule) -> None:
        for job in wanted:
            await ask_for(context, job)


async def ask_for(context: WorkerContext, name: str) -> None:
    """Enqueue a job unless one like it is waiting."""
    async with context.sessionmaker.begin() as session:
        await enqueue(session, name, key=name)
        if name in AGAIN_AFTER:
            await enqueue(session, name, key=f"{name} again", after=AGAIN_AFTER[name])


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
        except LOST as lost:
            logger.warning("worker lost its database", error=str(lost) or type(lost).__name__)
        await asyncio.sleep(RECONNECT_AFTER)


async def _run(jobs: PgQueuer) -> None:
    """Run jobs until there is no listening any more, or cancelled: then jobs under way end."""
    running = asyncio.ensure_future(
        jobs.run(
            dequeue_timeout=DEQUEUE_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            shutdown_on_listener_failure=True,
        )
    )
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        # Cancelled itself, it would wait for jobs without telling them.
        jobs.shutdown.set()
        await asyncio.wait({running})
        raise


async def run_connected(context: WorkerContext, database_url: str) -> None:
    """Run jobs over one connection until it, or the listening on it, fails."""
    connection = await connect(database_url)
    try:
        jobs = PgQueuer.from_asyncpg_connection(connection)
        register(jobs, context)
        # What was posted while no worker ran need not wait for the next minute.
        await ask_for(context, "seal_transfers")
        await _run(jobs)
    finally:
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=RECONNECT_AFTER)
