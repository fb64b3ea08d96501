"""Communities to measure in: the preset sunshine, full of people who can pay for anything.

The numbers of residents, of their persons and of their sessions each follow one another without
a gap, so that pgbench finds them by counting. Every score is another, so that ranks are spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.community.models import Resident
from app.contributions.models import SourceKind
from app.contributions.service import Act, award, evaluate_act
from app.core.access import Place, Role
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
from app.rules.book.schemas import RuleData
from app.setup.community import CreatedCommunity, create_community
from app.setup.people import NewResident, Places, add_places, add_residents, add_staff
from app.setup.presets import read_preset
from tests.bench.errors import BenchFailed
from tests.bench.hazards import GRIDS, Hazards, Senders, pay_for_reports, prepare_reports
from tests.bench.size import Size

# No book of rules may give so much at once.
GIFT = RuleData(code="gift", name="见面礼", category="daily", points=100).model_copy(
    update={"max_units": 10**9}
)
CHECKER = 1
LEAST_UNITS = 5_000  # 10,000 lunches
CHECK_IN_RULE = "weekend_clean_up"
REWARD, SHOP = "canteen_meal", "canteen"
RESIDENTS_A_BUILDING = 60
BATCH = 500
PLENTY = 10**9
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Town:
    """A community; `first_…` is the number that its residents' numbers count up from."""

    created: CreatedCommunity
    residents: int
    first_resident: int
    first_person: int
    first_session: int
    logins: list[LoginSession]
    clerk: LoginSession
    posters: list[Code]
    check_in_version: int
    hazards: Hazards

    @property
    def community_id(self) -> int:
        return self.created.community_id

    @property
    def reward_id(self) -> int:
        return self.created.rewards[REWARD]

    @property
    def shop_id(self) -> int:
        return self.created.shops[SHOP]


async def found_town(
    session: AsyncSession,
    *,
    code: str,
    size: Size,
    vault: Vault,
    now: datetime,
) -> Town:
    """Make a community whose people are signed in, rich, and have enough to do."""
    preset = read_preset("sunshine")
    preset.rules.append(GIFT)
    pay_for_reports(preset)
    created = await create_community(session, preset, code=code, now=now - A_DAY)
    places = await _settle(session, created, size.residents, vault, now)
    rows = await _members(session, created.community_id)
    await _give_points(session, created, [resident_id for resident_id, _ in rows], now)
    reward = await session.get_one(Reward, (created.community_id, created.rewards[REWARD]))
    reward.stock_left = PLENTY
    clerk = await add_staff(
        session, created.community_id,
        ticket=f"{code}-clerk", name="食堂 马师傅", role=Role.CLERK,
        at=Place(shop_id=created.shops[SHOP]), vault=vault, now=now,
    )  # fmt: skip
    persons = [person_id for _, person_id in rows]
    logins = [_login(created.community_id, person_id, now) for person_id in (*persons, clerk)]
    events = [_activity(created, clerk, number, now) for number in range(size.activities)]
    session.add_all([*logins, *events])
    await session.flush()
    terms = await rules.get_terms(
        session, created.community_id, created.rules[CHECK_IN_RULE], at=now
    )
    senders = Senders(_first(persons), size.stride, size.callers)
    hazards = await prepare_reports(
        session, created, places.grids, senders, photos=size.reports, vault=vault, now=now
    )
    return Town(
        created=created,
        residents=size.residents,
        first_resident=_first([resident_id for resident_id, _ in rows]),
        first_person=_first(persons),
        first_session=_first([login.session_id for login in logins]),
        logins=logins[:-1],
        clerk=logins[-1],
        posters=[_poster(event) for event in events],
        check_in_version=terms.rule_version_id,
        hazards=hazards,
    )


async def _settle(
    session: AsyncSession,
    created: CreatedCommunity,
    residents: int,
    vault: Vault,
    now: datetime,
) -> Places:
    """Add grids with buildings in turn, and residents, sixty to a building."""
    numbers = range(1, residents // RESIDENTS_A_BUILDING + 2)
    places = await add_places(
        session,
        created.community_id,
        grids=[f"第 {number} 网格" for number in range(1, GRIDS + 1)],
        buildings=[(f"{number} 号楼", number % GRIDS) for number in numbers],
        now=now - A_DAY,
    )
    people = [
        NewResident(
            ticket=f"community-{created.community_id}-resident-{number}",
            name="李德明",
            building_id=places.buildings[number // RESIDENTS_A_BUILDING],
            room=f"1-{number}",
        )
        for number in range(residents)
    ]
    await add_residents(session, created.community_id, people, vault=vault, now=now)
    return places


async def _members(session: AsyncSession, community_id: int) -> list[tuple[int, int]]:
    """Return (resident, person), in order."""
    statement = (
        select(Resident.resident_id, Resident.person_id)
        .where(Resident.community_id == community_id)
        .order_by(Resident.resident_id)
    )
    rows = (await session.execute(statement)).all()
    return [(resident_id, person_id or 0) for resident_id, person_id in rows]


def _first(numbers: Sequence[int]) -> int:
    """Return the first of numbers that follow one another."""
    if list(numbers) != list(range(numbers[0], numbers[0] + len(numbers))):
        raise BenchFailed("Numbers made at one moment do not follow one another any more.")
    return numbers[0]


async def _give_points(
    session: AsyncSession, created: CreatedCommunity, residents: Sequence[int], now: datetime
) -> None:
    """Give everybody a lot that lasts, each a little more than the one before."""
    terms = await rules.get_terms(session, created.community_id, created.rules[GIFT.code], at=now)
    source_id = new_id(now)
    items = []
    for position, resident_id in enumerate(residents):
        act = Act(
            source_kind=SourceKind.COMMITTEE,
            source_id=source_id,
            resident_id=resident_id,
            occasion="",
            units=LEAST_UNITS + position,
            acted_at=now,
            timezone=created.timezone,
            recorded_by=resident_id,
            checked_by=CHECKER,
            memo=terms.name,
        )
        items.append(evaluate_act(act, terms, (), now=now))
    for at in range(0, len(items), BATCH):
        batch = items[at : at + BATCH]
        await award(session, created.community_id, batch, timezone=created.timezone, now=now)


def _login(community_id: int, person_id: int, now: datetime) -> LoginSession:
    return LoginSession(
        session_id=new_id(now),
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


def _poster(activity: Activity) -> Code:
    closes_at = activity.check_in_closes_at
    return Code(CodeKind.ACTIVITY_POSTER, activity.community_id, activity.activity_id, closes_at)


async def issue_vouchers(
    session: AsyncSession, town: Town, count: int, *, now: datetime
) -> list[Voucher]:
    """Redeem lunches for as many residents in turn, without asking the API."""
    reward = await session.get_one(Reward, (town.community_id, town.reward_id))
    until = (now + timedelta(days=reward.voucher_days)).replace(microsecond=0)
    vouchers = [
        _voucher(reward, town.first_resident + turn % town.residents, until, now)
        for turn in range(count)
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
