"""Asking for the end of one's account, changing one's mind, and carrying it out."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases.workflow import PUBLISHED
from app.community import service as community
from app.core.access import Actor
from app.core.calendar import day_in, local_time
from app.core.ids import new_id
from app.core.jobs import enqueue
from app.ledger.lapsing import service as lapsing
from app.ledger.unlinking import service as unlinking
from app.media import files
from app.notifications.service import Notice, notify
from app.privacy.closing import forgetting, queries
from app.privacy.closing.persons import queries as persons
from app.privacy.closing.procedures import queries as procedures
from app.privacy.errors import ClosureDue, ClosureNotFound
from app.privacy.exports.service import object_key
from app.privacy.forgetting import queries as forgotten
from app.privacy.models import Closure, ClosureState
from app.rewards import service as rewards

# Long enough to change one's mind, well within the 15 working days that apps promise.
RESPITE = timedelta(days=7)
CLOSED_NAME = "已注销居民"
# No request that had begun before the end lasts longer.
LATE = timedelta(days=1)
MEMO = "注销清零"
GONE = "（已随账号注销删除）"
JOB = "close_accounts"


async def ask_for_closure(session: AsyncSession, actor: Actor, *, now: datetime) -> Closure:
    """Ask for one's account to be closed in seven days; asked again it is the same closure."""
    closure = new_closure(
        actor.community, actor.resident, actor.person_id, closes_at=now + RESPITE, now=now
    )
    # One that is taken back between the two statements makes room for another.
    while not await queries.add_closure(session, closure):
        known = await queries.get_closure(session, actor.community, actor.resident)
        if known is not None:
            return known
    here = await community.get_community(session, actor.community)
    last_day = local_time(here.timezone, closure.closes_at)
    notice = Notice(
        person_id=actor.person_id,
        kind="closure",
        title="已收到注销申请",
        body=(
            f"账号将于 {last_day} 注销，此前可以随时撤回。注销后姓名、手机号等个人信息会被删除，"
            "未使用的兑换券会取消，剩余积分（含存入积分银行的）清零，且无法恢复。"
        ),
        subject_kind="closure",
        subject_id=closure.closure_id,
        fields={"title": "账号注销", "status": "已申请"},
    )
    await notify(session, actor.community, [notice], now=now)
    return closure


def new_closure(
    community_id: int, resident_id: int, person_id: int, *, closes_at: datetime, now: datetime
) -> Closure:
    return Closure(
        community_id=community_id,
        closure_id=new_id(now),
        resident_id=resident_id,
        person_id=person_id,
        state=ClosureState.ASKED,
        asked_at=now,
        closes_at=closes_at,
        ended_at=None,
    )


async def get_closure(session: AsyncSession, actor: Actor) -> Closure:
    """Return the closure the caller has asked for; raises ClosureNotFound."""
    closure = await queries.get_closure(session, actor.community, actor.resident)
    if closure is None:
        raise ClosureNotFound
    return closure


async def cancel_closure(session: AsyncSession, actor: Actor, *, now: datetime) -> Closure:
    """Change one's mind in time; raises ClosureNotFound and ClosureDue."""
    closure = await queries.get_closure(session, actor.community, actor.resident, is_locked=True)
    if closure is None:
        raise ClosureNotFound
    if closure.closes_at <= now:
        raise ClosureDue
    closure.state = ClosureState.CANCELLED
    closure.ended_at = now
    await session.flush()
    return closure


async def close_memberships_of(session: AsyncSession, person_id: int, *, now: datetime) -> int:
    """Have every account of a person closed at once, by the job; return how many."""
    memberships = await persons.list_memberships(session, person_id)
    for row in memberships:
        closure = new_closure(row.community_id, row.resident_id, person_id, closes_at=now, now=now)
        if not await queries.add_closure(session, closure):
            await queries.hasten(session, row.community_id, row.resident_id, now=now)
    if memberships:
        await enqueue(session, JOB, key=f"{JOB}:{person_id}")
    return len(memberships)


# Carrying it out, by the job.


async def close_account(
    session: AsyncSession, community_id: int, closure_id: int, *, now: datetime
) -> bool:
    """Carry out a closure that is due, in the caller's one transaction; False if none is.

    What stays is a number in the books. Files are destroyed by a job once this is committed.
    """
    closure = await queries.lock_due(session, community_id, closure_id, now=now)
    if closure is None:
        return False
    # Cases and claims before the wallet, as whoever handles one locks them.
    await forgetting.forget_places(session, community_id, closure.person_id)
    shown = sorted(PUBLISHED)
    await forgotten.forget_texts(session, community_id, closure.resident_id, published=shown)
    await _end_procedures(session, closure, now=now)
    keys = await queries.forget_photos(session, closure, published=shown, now=now)
    await empty_wallet(
        session, community_id, closure.resident_id, person_id=closure.person_id, now=now
    )
    await unlinking.ask(
        session, community_id, closure.resident_id, person_id=closure.person_id, now=now
    )
    exports = await queries.destroy_exports(session, community_id, closure.resident_id)
    keys += [object_key(community_id, data_export_id) for data_export_id in exports]
    await files.ask_to_destroy(session, keys)
    await persons.lock_person(session, closure.person_id)
    await queries.forget_resident(session, closure, masked_name=CLOSED_NAME, now=now)
    await _leave_the_service(session, closure, now=now)
    closure.state = ClosureState.DONE
    closure.ended_at = now
    await session.flush()
    return True


async def empty_wallet(
    session: AsyncSession, community_id: int, resident_id: int, *, person_id: int, now: datetime
) -> int:
    """Cancel unused vouchers and let all points lapse; return how many points."""
    while True:
        await rewards.cancel_vouchers_of(session, community_id, resident_id, now=now)
        points = await lapsing.close_accounts_of(
            session, community_id, resident_id, memo=MEMO, maker_id=person_id, now=now
        )
        # Redeemed while we waited for the wallet, which nobody can change any more now.
        if not await queries.has_open_voucher(session, community_id, resident_id):
            return points


async def _leave_the_service(session: AsyncSession, closure: Closure, *, now: datetime) -> None:
    """Sign the person out; one who belongs to no other community is forgotten altogether."""
    if await persons.has_membership(session, closure.person_id):
        await persons.end_sessions(
            session, closure.person_id, community_id=closure.community_id, now=now
        )
        return
    await persons.end_sessions(session, closure.person_id, community_id=None, now=now)
    await persons.forget_person(session, closure.person_id)
    await persons.forget_requests(session, closure.person_id, now=now)


async def _end_procedures(session: AsyncSession, closure: Closure, *, now: datetime) -> None:
    here = await community.get_community(session, closure.community_id)
    today = day_in(here.timezone, now)
    await procedures.end_and_forget(session, closure, gone=GONE, today=today, now=now)


async def forget_latecomers(session: AsyncSession, *, now: datetime) -> None:
    """Forget messages, copies and words that came to accounts while, or after, they were closed."""
    for closure in await procedures.list_late(session, gone=GONE, since=now - LATE):
        await _end_procedures(session, closure, now=now)
    await queries.forget_late_messages(session)
    exports = await queries.destroy_late_exports(session)
    await files.ask_to_destroy(
        session, [object_key(row.community_id, row.data_export_id) for row in exports]
    )
