"""Giving points to a neighbour."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.cards.service import RESIDENT_KINDS, find_scanned_resident
from app.community.errors import ResidentNotFound
from app.core.access import Actor
from app.core.calendar import Period, day_in, period_start
from app.core.database import Record
from app.core.ids import new_id
from app.core.signing import KeyRing
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.gifts import queries
from app.ledger.gifts.errors import GiftLimitReached, GiftsOff, GiftToOneself
from app.ledger.gifts.schemas import GiftCreate, GiftRead, Greeting
from app.ledger.models import TransferKind
from app.ledger.moves.service import Move, move_points
from app.ledger.point_policy.schemas import PolicyGifts
from app.notifications.service import Notice, notify

SOURCE = "gift"
KIND = "points_received"
MEMO = "邻里赠送积分"
GREETINGS = {
    Greeting.THANKS: "谢谢您",
    Greeting.WELL_DONE: "您辛苦了",
    Greeting.GET_WELL: "祝您早日康复",
    Greeting.HAPPY_FESTIVAL: "节日快乐",
}


@dataclass(frozen=True, slots=True)
class _Gift:
    """Points on their way; `left_points` is what the giver may give before this gift."""

    transfer_id: int
    points: int
    greeting: Greeting | None
    giver: Record
    receiver: Record
    left_points: int


async def give(
    session: AsyncSession, actor: Actor, asked: GiftCreate, *, keys: KeyRing, now: datetime
) -> GiftRead:
    """Give points to whoever's code was scanned, whole or not at all.

    Raises GiftsOff, what reading a code raises, GiftToOneself, ResidentNotFound,
    GiftLimitReached and InsufficientPoints.
    """
    policy = await ledger_queries.get_policy(session, actor.community)
    if policy.gifts is None:
        raise GiftsOff
    limit = PolicyGifts.model_validate(policy.gifts).max_points_per_month
    receiver_id = await _read_code(session, actor, asked.code, keys=keys, now=now)
    gift = await _lock_and_check(session, actor, asked, receiver_id, limit=limit, now=now)
    await move_points(session, actor.community, _move(actor, gift), now=now)
    await _tell_receiver(session, actor.community, gift, now=now)
    return GiftRead(
        transfer_id=gift.transfer_id,
        points=gift.points,
        receiver_masked_name=gift.receiver.masked_name,
        left_points=gift.left_points - gift.points,
        balance=await ledger.get_balance(session, actor.community, actor.resident, now=now),
    )


async def _read_code(
    session: AsyncSession, actor: Actor, scanned: str, *, keys: KeyRing, now: datetime
) -> int:
    """Return whose code it is, a neighbour's of the caller."""
    code = keys.codes.read_scanned(
        scanned, kinds=RESIDENT_KINDS, community_id=actor.community, now=now
    )
    receiver_id = await find_scanned_resident(session, code, now=now)
    if receiver_id == actor.resident:
        raise GiftToOneself
    return receiver_id


async def _lock_and_check(
    session: AsyncSession,
    actor: Actor,
    asked: GiftCreate,
    receiver_id: int,
    *,
    limit: int,
    now: datetime,
) -> _Gift:
    """Lock both wallets, then see who still lives here and how much was given this month."""
    both = [actor.resident, receiver_id]
    locked = await ledger_queries.lock_balances(session, actor.community, both)
    people = await queries.list_people(session, actor.community, both)
    if len(locked) < len(both) or len(people) < len(both):
        raise ResidentNotFound
    here = await community.get_community(session, actor.community)
    given = await queries.sum_given(
        session, actor.community, actor.resident, since=_month_start(here.timezone, now)
    )
    left_points = max(limit - given, 0)
    if asked.points > left_points:
        raise GiftLimitReached(left_points=left_points, max_points_per_month=limit)
    return _Gift(
        transfer_id=new_id(now),
        points=asked.points,
        greeting=asked.greeting,
        giver=people[actor.resident],
        receiver=people[receiver_id],
        left_points=left_points,
    )


def _month_start(timezone: str, now: datetime) -> datetime:
    first_day = period_start(Period.MONTH, day_in(timezone, now))
    return datetime.combine(first_day, time(), ZoneInfo(timezone))


def _move(actor: Actor, gift: _Gift) -> Move:
    return Move(
        transfer_id=gift.transfer_id,
        kind=TransferKind.GIFT,
        account_id=gift.giver.resident_id,
        credit_account_id=gift.receiver.resident_id,
        points=gift.points,
        # Without names: it stands in the book for ever, also when one of them has left.
        memo=MEMO,
        maker_id=actor.person_id,
        source_kind=SOURCE,
        source_id=gift.transfer_id,
    )


async def _tell_receiver(
    session: AsyncSession, community_id: int, gift: _Gift, *, now: datetime
) -> None:
    """Tell whoever was given points, unless they have a paper card and no account."""
    if gift.receiver.person_id is None:
        return
    said = "" if gift.greeting is None else f"，并说：{GREETINGS[gift.greeting]}"
    notice = Notice(
        person_id=gift.receiver.person_id,
        kind=KIND,
        title="收到积分赠送",
        body=f"{gift.giver.masked_name}赠送给您 {gift.points} 积分{said}。",
        subject_kind="transfer",
        subject_id=gift.transfer_id,
        fields={"title": "收到积分赠送", "status": "已到账", "note": f"{gift.points} 积分"},
    )
    await notify(session, community_id, [notice], now=now)
