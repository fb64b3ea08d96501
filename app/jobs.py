"""What the worker's jobs do, and when which is asked for.

What a job does is guarded in its own transaction, so a job that runs twice changes nothing the
second time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import jobs as audit
from app.cases import jobs as cases
from app.contributions.claims import jobs as claims
from app.contributions.duties import jobs as duties
from app.contributions.lists import jobs as award_lists
from app.contributions.newcomers import jobs as newcomers
from app.contributions.repairs import jobs as repairs
from app.core import queries
from app.core.idempotency import KEPT_FOR
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
# What only an event or a deletion asks for, and no schedule ever again.
ASKED_FOR_ONCE = (
    "apply_point_policy", "compare_photos", "destroy_files", "handle_wechat_push"
)  # fmt: skip
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


async def publish_award_lists(context: WorkerContext, _payload: bytes) -> None:
    published = await claims.publish_award_lists(context.sessionmaker, now=context.clock())
    if published:
        logger.info("claims put on public lists", claims=published)


async def settle_award_lists(context: WorkerContext, _payload: bytes) -> None:
    settled = await claims.settle_award_lists(context.sessionmaker, now=context.clock())
    if settled:
        logger.info("claims of public lists settled", claims=settled)


async def post_award_lists(context: WorkerContext, _payload: bytes) -> None:
    await award_lists.post_award_lists(context.sessionmaker, now=context.clock())


async def award_duties(context: WorkerContext, _payload: bytes) -> None:
    await duties.award_duties(context.sessionmaker, now=context.clock())


async def welcome_newcomers(context: WorkerContext, _payload: bytes) -> None:
    await newcomers.welcome_newcomers(context.sessionmaker, now=context.clock())


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


async def lapse_repairs(context: WorkerContext, _payload: bytes) -> None:
    lapsed = await repairs.lapse_repairs(context.sessionmaker, now=context.clock())
    if lapsed:
        logger.info("repair tasks lapsed", tasks=lapsed)


# Each is asked for by its function's name.
JOBS: dict[str, Work] = {work.__name__: work for work in (
    apply_point_policy, audit_books, award_duties, check_content, clean_up, close_accounts,
    close_unanswered, compare_photos, decay_points, delete_orphans, destroy_files,
    destroy_originals, erase_salts,
    escalate_cases, expire_holds, expire_points, expire_vouchers, handle_wechat_push,
    keep_retention, lapse_repairs, make_data_export, post_award_lists, publish_award_lists,
    retry_held, seal_transfers, send_messages, settle_award_lists, sweep_checks, tell_lapses,
    welcome_newcomers,
)}  # fmt: skip
# What schedules ask for, by cron expression: minute, hour, day, month, weekday (UTC).
SCHEDULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "every_minute": (
        "* * * * *", (
            "expire_holds", "expire_vouchers", "escalate_cases", "seal_transfers",
            "send_messages", "sweep_checks",
        ),
    ),
    "every_hour": (
        "7 * * * *", (
            "award_duties", "close_accounts", "erase_salts", "expire_points", "lapse_repairs",
            "post_award_lists", "retry_held", "settle_award_lists", "welcome_newcomers",
        ),
    ),
    "every_night": (
        "17 19 * * *", (
            "audit_books", "clean_up", "close_unanswered", "decay_points", "delete_orphans",
            "destroy_originals", "keep_retention",
        ),
    ),
    # Half past nine in China: what this says is meant to be read, not to wake somebody.
    "every_morning": ("30 1 * * *", ("publish_award_lists", "tell_lapses")),
}  # fmt: skip
