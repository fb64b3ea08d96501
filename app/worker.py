"""The job worker: runs schedules and jobs, beside the API or as `gridpoints worker`.

A schedule only enqueues; what a job does is guarded in its own transaction, so a job that runs
twice changes nothing the second time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job, Schedule
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import jobs as audit
from app.cases import jobs as cases
from app.core import queries
from app.core.database import APP_ROLE
from app.core.idempotency import KEPT_FOR
from app.core.jobs import enqueue
from app.core.signing import KeyRing
from app.identity import queries as identity
from app.ledger.holds import jobs as holds
from app.ledger.lapsing import jobs as lapsing
from app.ledger.notices import jobs as lapse_notices
from app.ledger.point_policy import jobs as point_policy
from app.ledger.seals import jobs as seals
from app.ledger.unlinking import jobs as unlinking
from app.media import jobs as media
from app.media import moderation
from app.notifications import jobs as notifications
from app.notifications.subscription_events import SubscriptionEvents
from app.privacy import jobs as privacy
from app.privacy.revocation import obey_revocation
from app.rewards import jobs as rewards
from app.rewards.service import PURPOSE as REDEMPTION
from app.wechat.events import MediaVerdict, Revocation
from app.wechat.receiving import Handler, handle_push
from app.wiring import Outside, tell_author

Clock = Callable[[], datetime]
MAX_ATTEMPTS = 5
RECONNECT_AFTER = 5
# How a connection ends; the last is one that nothing is heard on any more.
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, FailingListenerError)
# What only an event or a deletion asks for, and no schedule ever again.
ASKED_FOR_ONCE = (
    "apply_point_policy", "compare_photos", "destroy_files", "handle_wechat_push"
)  # fmt: skip
# Takes as long as the books are large, and goes on where it was: no worker waits for its end.
BROKEN_OFF = ("audit_books",)
# Asked for a second time between two minutes, so that nothing waits for a whole one.
AGAIN_AFTER = {"seal_transfers": timedelta(seconds=30)}
# A job whose worker died is picked up again after about eight seconds.
DEQUEUE_TIMEOUT = timedelta(seconds=5)
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What jobs work with."""

    sessionmaker: async_sessionmaker[AsyncSession]
    clock: Clock
    outside: Outside


Work = Callable[[WorkerContext, bytes], Awaitable[object]]


async def clean_up(context: WorkerContext, _payload: bytes = b"") -> None:
    """Delete what nobody can use any more: old answers, lapsed tokens, idle limits."""
    now = context.clock()
    async with context.sessionmaker.begin() as session:
        await queries.delete_keys_before(session, now - KEPT_FOR)
        await queries.delete_idle_limits(session, now_us=int(now.timestamp() * 1_000_000))
        await identity.delete_lapsed_tokens(session, now=now)


async def retry_held(context: WorkerContext, _payload: bytes = b"") -> None:
    """Try again what was given up, as while a store was down: no schedule would."""
    async with context.sessionmaker.begin() as session:
        retried = await queries.retry_held_jobs(session, ASKED_FOR_ONCE)
    if retried:
        logger.warning("held jobs tried again", jobs=retried)


async def expire_vouchers(context: WorkerContext, _payload: bytes) -> None:
    ended = await rewards.expire_vouchers(context.sessionmaker, now=context.clock())
    if ended:
        logger.info("vouchers expired", vouchers=ended)


async def expire_holds(context: WorkerContext, _payload: bytes) -> None:
    # A voucher's hold ends with its voucher.
    ended = await holds.expire_holds(
        context.sessionmaker, not_for=(REDEMPTION,), now=context.clock()
    )
    if ended:
        logger.info("holds expired", holds=ended)


async def expire_points(context: WorkerContext, _payload: bytes) -> None:
    ended = await lapsing.expire_points(context.sessionmaker, now=context.clock())
    if ended:
        logger.info("points expired", accounts=ended)


async def decay_points(context: WorkerContext, _payload: bytes) -> None:
    await lapsing.decay_points(context.sessionmaker, now=context.clock())


async def tell_lapses(context: WorkerContext, _payload: bytes) -> None:
    await lapse_notices.tell_lapses(context.sessionmaker, now=context.clock())


async def apply_point_policy(context: WorkerContext, payload: bytes) -> None:
    # The version that asked for it may have been followed by another: the newest is applied.
    community_id, _ = payload.split(b":")
    await point_policy.apply_point_policy(context.sessionmaker, int(community_id))


async def seal_transfers(context: WorkerContext, _payload: bytes = b"") -> None:
    outside = context.outside
    sealed = await seals.seal_transfers(
        context.sessionmaker, KeyRing(outside.master_key),
        public_base_url=outside.public_base_url, clock=context.clock,
    )  # fmt: skip
    if sealed:
        logger.info("transfers sealed", transfers=sealed)


async def audit_books(context: WorkerContext, _payload: bytes) -> None:
    audits = await audit.audit_books(context.sessionmaker, clock=context.clock)
    logger.info("books audited", communities=len(audits))


async def erase_salts(context: WorkerContext, _payload: bytes) -> None:
    erased = await unlinking.erase_salts(context.sessionmaker, now=context.clock())
    if erased:
        logger.info("salts erased", transfers=erased)


async def check_content(context: WorkerContext, payload: bytes) -> None:
    outside = context.outside
    job = media.CheckJob(
        context.sessionmaker, wechat=outside.wechat, links=outside.photo_links,
        vault=outside.vault, on_refused=tell_author,
    )  # fmt: skip
    await job.check_content(payload, now=context.clock())


async def sweep_checks(context: WorkerContext, _payload: bytes) -> None:
    await media.sweep_checks(context.sessionmaker, now=context.clock())


async def destroy_files(context: WorkerContext, payload: bytes) -> None:
    await media.destroy_files(context.outside.photo_keeper, payload)


async def destroy_originals(context: WorkerContext, _payload: bytes) -> None:
    keeper = context.outside.photo_keeper
    await media.destroy_originals(context.sessionmaker, keeper, now=context.clock())


async def delete_orphans(context: WorkerContext, _payload: bytes) -> None:
    keeper = context.outside.photo_keeper
    await media.delete_orphans(context.sessionmaker, keeper, now=context.clock())


async def send_messages(context: WorkerContext, _payload: bytes) -> None:
    outside = context.outside
    await notifications.send_messages(
        context.sessionmaker, outside.wechat, outside.templates, clock=context.clock
    )


async def handle_wechat_push(context: WorkerContext, payload: bytes) -> None:
    async with context.sessionmaker.begin() as session:
        await handle_push(
            session, context.outside.vault, payload,
            handlers=push_handlers(context.outside), now=context.clock(),
        )  # fmt: skip


def push_handlers(outside: Outside) -> dict[type, Handler]:
    """Return who acts on which event that WeChat pushes."""

    async def on_verdict(session: AsyncSession, event: MediaVerdict, *, now: datetime) -> None:
        await moderation.apply_verdict(session, event, now=now, on_refused=tell_author)

    async def on_revocation(session: AsyncSession, event: Revocation, *, now: datetime) -> None:
        await obey_revocation(session, event, vault=outside.vault, now=now)

    return {
        MediaVerdict: on_verdict,
        Revocation: on_revocation,
        **SubscriptionEvents(outside.templates).handlers,
    }


async def escalate_cases(context: WorkerContext, _payload: bytes) -> None:
    await cases.escalate_cases(context.sessionmaker, now=context.clock())


async def close_unanswered(context: WorkerContext, _payload: bytes) -> None:
    await cases.close_unanswered(context.sessionmaker, now=context.clock())


async def compare_photos(context: WorkerContext, payload: bytes) -> None:
    community_id, case_id = (int(part) for part in payload.split(b":"))
    await cases.compare_photos(context.sessionmaker, community_id, case_id, now=context.clock())


async def make_data_export(context: WorkerContext, payload: bytes) -> None:
    outside = context.outside
    await privacy.make_data_export(
        context.sessionmaker, outside.photo_keeper.store, outside.master_key, outside.vault,
        payload, now=context.clock(),
    )  # fmt: skip


async def close_accounts(context: WorkerContext, _payload: bytes) -> None:
    await privacy.close_accounts(context.sessionmaker, now=context.clock())


async def keep_retention(context: WorkerContext, _payload: bytes) -> None:
    ended = await privacy.keep_retention(context.sessionmaker, now=context.clock())
    logger.info("retention kept", **ended)


JOBS: dict[str, Work] = {
    "apply_point_policy": apply_point_policy,
    "audit_books": audit_books,
    "check_content": check_content,
    "clean_up": clean_up,
    "close_accounts": close_accounts,
    "close_unanswered": close_unanswered,
    "compare_photos": compare_photos,
    "decay_points": decay_points,
    "delete_orphans": delete_orphans,
    "destroy_files": destroy_files,
    "destroy_originals": destroy_originals,
    "erase_salts": erase_salts,
    "escalate_cases": escalate_cases,
    "expire_holds": expire_holds,
    "expire_points": expire_points,
    "expire_vouchers": expire_vouchers,
    "handle_wechat_push": handle_wechat_push,
    "keep_retention": keep_retention,
    "make_data_export": make_data_export,
    "retry_held": retry_held,
    "seal_transfers": seal_transfers,
    "send_messages": send_messages,
    "sweep_checks": sweep_checks,
    "tell_lapses": tell_lapses,
}
# What schedules ask for, by cron expression: minute, hour, day, month, weekday (UTC).
SCHEDULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "every_minute": (
        "* * * * *", (
            "expire_holds", "expire_vouchers", "escalate_cases", "seal_transfers",
            "send_messages", "sweep_checks",
        ),
    ),
    "every_hour": ("7 * * * *", ("close_accounts", "erase_salts", "expire_points", "retry_held")),
    "every_night": (
        "17 19 * * *", (
            "audit_books", "clean_up", "close_unanswered", "decay_points", "delete_orphans",
            "destroy_originals", "keep_retention",
        ),
    ),
    # Half past nine in China: what this says is meant to be read, not to wake somebody.
    "every_morning": ("30 1 * * *", ("tell_lapses",)),
}  # fmt: skip


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
