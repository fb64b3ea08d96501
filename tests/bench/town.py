"""Communities to measure in: the preset sunshine, full of people who can pay for anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.community.models import Grid
from app.core.access import Place, Role
from app.core.calendar import Period
from app.core.codes import Code, CodeKind
from app.core.ids import new_id
from app.core.personal import Vault
from app.identity.models import LoginSession
from app.ledger import queries as ledger
from app.ledger.holds import queries as holds_queries
from app.rewards.models import Reward, Voucher, VoucherState
from app.rewards.service import PURPOSE
from app.rewards.typed_codes import new_typed_code
from app.rules import service as rules
from app.rules.book.schemas import CapData, RuleData
from app.rules.evaluation import Terms
from app.setup.community import CreatedCommunity, create_community
from app.setup.people import add_grids, add_staff
from app.setup.presets import Preset, read_preset
from tests.bench.crowd import Crowd, add_crowd
from tests.bench.errors import BenchFailed
from tests.bench.hazards import GRIDS, Hazards, Senders, pay_for_reports, prepare_reports
from tests.bench.size import Size

# No book of rules may give so much at once.
GIFT = RuleData(code="gift", name="见面礼", category="daily", points=1).model_copy(
    update={"max_units": 10**9}
)
CHECK_IN_RULE = "weekend_clean_up"
# Wide enough for everything, but counted like any other.
CAPS = [CapData(period=Period.DAY, points=10**9), CapData(period=Period.MONTH, points=10**9)]
REWARD, SALE, SOLD_OUT, SHOP = "canteen_meal", "coupon_10", "parking_10_hours", "canteen"
PRICE = 50
BATCH = 500
PLENTY = 10**9
A_DAY = timedelta(days=1)
_PRICE_REWARDS = """
    UPDATE rewards SET price_points = :price, per_resident_limit = NULL, stock_left = :plenty
    WHERE community_id = :community AND reward_id = ANY(:rewards)
"""
_SET_STOCK = """
    UPDATE rewards SET stock_left = :stock
    WHERE community_id = :community AND reward_id = :reward
"""


@dataclass(frozen=True, slots=True)
class Town:
    """A community with everything that requests refer to."""

    created: CreatedCommunity
    crowd: Crowd
    clerk: LoginSession
    activities: list[Activity]
    check_in_terms: Terms
    hazards: Hazards

    @property
    def community_id(self) -> int:
        return self.created.community_id

    @property
    def reward_id(self) -> int:
        return self.created.rewards[REWARD]

    @property
    def sale_id(self) -> int:
        return self.created.rewards[SALE]

    @property
    def sold_out_id(self) -> int:
        return self.created.rewards[SOLD_OUT]

    @property
    def shop_id(self) -> int:
        return self.created.shops[SHOP]

    def logins(self, now: datetime) -> list[LoginSession]:
        """Return the callers' sessions, as they are stored."""
        numbers = [self.crowd.caller(number) for number in range(self.crowd.callers)]
        return [
            login(self.community_id, person_id, now, session_id=session_id)
            for session_id, person_id, _ in numbers
        ]


async def found_town(
    session: AsyncSession,
    *,
    code: str,
    size: Size,
    vault: Vault,
    now: datetime,
) -> Town:
    """Make a community whose people are signed in, rich, and have enough to do."""
    created = await create_community(session, _preset(), code=code, now=now - A_DAY)
    community_id = created.community_id
    names = [f"第 {number} 网格" for number in range(1, GRIDS + 1)]
    grids = [
        await session.get_one(Grid, (community_id, grid_id))
        for grid_id in await add_grids(session, community_id, names, now=now - A_DAY)
    ]
    crowd = await add_crowd(
        session, created, grids, size, gift_rule=GIFT.code, vault=vault, now=now
    )
    await _price_rewards(session, created)
    clerk = await add_staff(
        session, community_id,
        ticket=f"{code}-clerk", name="食堂 马师傅", role=Role.CLERK,
        at=Place(shop_id=created.shops[SHOP]), vault=vault, now=now,
    )  # fmt: skip
    clerk_login = login(community_id, clerk, now, session_id=new_id(now))
    activities = [_activity(created, clerk, number, now) for number in range(size.activities)]
    session.add_all([clerk_login, *activities])
    await session.flush()
    senders = Senders(crowd.first_person, crowd.stride, crowd.callers)
    hazards = await prepare_reports(
        session, created, grids, senders, photos=size.reports, vault=vault, now=now
    )
    terms = await rules.get_terms(session, community_id, created.rules[CHECK_IN_RULE], at=now)
    return Town(created, crowd, clerk_login, activities, terms, hazards)


def _preset() -> Preset:
    preset = read_preset("sunshine")
    for number, rule in enumerate(preset.rules):
        if rule.code == CHECK_IN_RULE:
            preset.rules[number] = rule.model_copy(update={"caps": CAPS})
    preset.rules.append(GIFT)
    pay_for_reports(preset)
    return preset


async def _price_rewards(session: AsyncSession, created: CreatedCommunity) -> None:
    """Let everybody have as many of three rewards as they like, and none of one of them."""
    rewards = [created.rewards[code] for code in (REWARD, SALE, SOLD_OUT)]
    values = {
        "community": created.community_id, "rewards": rewards, "price": PRICE, "plenty": PLENTY,
    }  # fmt: skip
    await session.execute(text(_PRICE_REWARDS), values)
    await set_stock(session, created.community_id, created.rewards[SOLD_OUT], 0)


async def set_stock(session: AsyncSession, community_id: int, reward_id: int, stock: int) -> None:
    """Say how many pieces of a reward are left."""
    values = {"community": community_id, "reward": reward_id, "stock": stock}
    await session.execute(text(_SET_STOCK), values)


def login(community_id: int, person_id: int, now: datetime, *, session_id: int) -> LoginSession:
    return LoginSession(
        session_id=session_id,
        person_id=person_id,
        community_id=community_id,
        created_at=now,
        revoked_at=None,
    )


def _activity(created: CreatedCommunity, worker_id: int, number: int, now: datetime) -> Activity:
    start = now.replace(microsecond=0) - timedelta(hours=1)
    end = start + A_DAY + timedelta(minutes=number)
    return Activity(
        community_id=created.community_id,
        activity_id=new_id(now),
        version=1,
        title="周末大扫除",
        location="中心花园",
        rule_id=created.rules[CHECK_IN_RULE],
        units=1,
        grid_id=None,
        starts_at=start,
        ends_at=end,
        check_in_opens_at=start,
        check_in_closes_at=end,
        state=ActivityState.SCHEDULED,
        created_by=worker_id,
        created_at=now,
    )


def poster(activity: Activity) -> Code:
    """Return the code that hangs at an activity's door."""
    closes_at = activity.check_in_closes_at
    return Code(CodeKind.ACTIVITY_POSTER, activity.community_id, activity.activity_id, closes_at)


async def issue_vouchers(
    session: AsyncSession, town: Town, count: int, *, now: datetime
) -> list[Voucher]:
    """Redeem lunches for as many callers in turn, without asking the API."""
    reward = await session.get_one(Reward, (town.community_id, town.reward_id))
    until = (now + timedelta(days=reward.voucher_days)).replace(microsecond=0)
    crowd = town.crowd
    vouchers = [
        _voucher(reward, crowd.caller(turn % crowd.callers)[2], until, now) for turn in range(count)
    ]
    for at in range(0, count, BATCH):
        batch = vouchers[at : at + BATCH]
        accounts = [voucher.resident_id for voucher in batch]
        await ledger.lock_balances(session, town.community_id, accounts)
        holds = [_hold(voucher, reward.name) for voucher in batch]
        held = await holds_queries.place_holds(session, town.community_id, holds, now=now)
        if len(held) < len(batch):
            raise BenchFailed("A resident ran out of points.")
    session.add_all(vouchers)
    await session.flush()
    return vouchers


def _hold(voucher: Voucher, memo: str) -> dict[str, Any]:
    return {
        "item_id": voucher.voucher_id,
        "account_id": voucher.resident_id,
        "points": voucher.points,
        "purpose": PURPOSE,
        "memo": memo,
        "expires_at": voucher.valid_until.isoformat(),
    }


def _voucher(reward: Reward, resident_id: int, until: datetime, now: datetime) -> Voucher:
    return Voucher(
        community_id=reward.community_id,
        voucher_id=new_id(now),
        reward_id=reward.reward_id,
        resident_id=resident_id,
        typed_code=new_typed_code(),
        points=reward.price_points,
        state=VoucherState.ISSUED,
        issued_at=now,
        valid_until=until,
        used_at=None,
        used_shop_id=None,
        ended_at=None,
    )
