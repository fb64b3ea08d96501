"""The demo: 阳光社区 with 3 buildings, 60 residents, 2 workers, 2 clerks, and a past week.

Three hazards wait for its workers (demo_cases.py), and helping counts more just now.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.cases import queries as cases
from app.community.models import Community
from app.contributions.by_hand.schemas import PostingResult
from app.contributions.models import ManualPosting, PostingKind, PostingState, SourceKind
from app.contributions.posting import Decision
from app.contributions.service import Act, award, evaluate_act
from app.core.access import Place, Role
from app.core.ids import new_id
from app.core.personal import Vault
from app.rules import service as rules
from app.rules.book import queries as books
from app.rules.models import Campaign
from app.setup import demo_cases, queries
from app.setup.community import (
    CreatedCommunity,
    add_funds,
    complete_community,
    create_community,
)
from app.setup.people import NewResident, Places, add_places, add_residents, add_staff
from app.setup.presets import read_preset

PRESET = "sunshine"
RESIDENTS = 60
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN_NAMES = (
    "秀英", "建国", "小四", "丽华", "志强", "桂芳", "海燕", "德明", "淑珍", "文博",
    "晓梅", "长江", "玉兰", "国平", "思远", "春花", "永康", "慧敏", "立新", "安琪",
)  # fmt: skip
BUILDINGS = (("1 号楼", 0), ("2 号楼", 0), ("3 号楼", 1))
PAST_DEEDS = (
    ("weekend_clean_up", "周末大扫除"),
    ("volunteer_hour", "志愿服务"),
    ("mediation", "邻里调解"),
    ("story_evening", "故事会"),
    ("waste_sorting_publicity", "垃圾分类宣传"),
)
ROLES = {
    "resident-1": "a resident (60 of them: resident-1 … resident-60)",
    "worker-1": "grid worker of grid 1 (worker-2: grid 2)",
    "clerk-1": "clerk of the corner shop (clerk-2: the canteen)",
    "committee-1": "residents' committee (committee-2 checks what committee-1 posts by hand)",
    "reviewer-1": "reviews what residents claim for themselves",
    "auditor-1": "reads the audits and decides appeals",
    "newcomer": "somebody who has not joined yet",
}
# Whom later versions have added, so that a demo of an older one gets them too.
LATER_STAFF = (
    ("committee-2", "居委会 苏委员", Role.COMMITTEE),
    ("reviewer-1", "审核员 郑老师", Role.REVIEWER),
    ("auditor-1", "监督员 冯老师", Role.AUDITOR),
)
CLEAN_UP_LASTS = timedelta(hours=12)
CHECKED_AFTER = timedelta(hours=1)
CAMPAIGN_LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the start screen shows."""

    community_id: int
    community_name: str
    activity: Activity


async def ensure_demo(session: AsyncSession, *, vault: Vault, now: datetime) -> Demo:
    """Create the demo community once; see to an activity that one can check in to now."""
    community = await queries.lock_demo(session)
    if community is None:
        await _create_demo(session, vault=vault, now=now)
        community = await queries.lock_demo(session)
    if community is None:
        raise RuntimeError("the demo community was not created")
    await _complete_demo(session, community, vault=vault, now=now)
    activity = await queries.get_open_activity(session, community.community_id, now=now)
    if activity is None:
        activity = await _open_clean_up(session, community.community_id, now=now)
    return Demo(community.community_id, community.name, activity)


async def _create_demo(session: AsyncSession, *, vault: Vault, now: datetime) -> None:
    began = now - timedelta(days=7)
    preset = read_preset(PRESET)
    created = await create_community(session, preset, code=queries.DEMO_CODE, now=began)
    places = await add_places(
        session,
        created.community_id,
        grids=("第一网格", "第二网格"),
        buildings=BUILDINGS,
        now=began,
    )
    residents = await add_residents(
        session, created.community_id, _people(places), vault=vault, now=began
    )
    await _add_staff(session, created, places, vault=vault, now=began)
    await _add_later_staff(session, created.community_id, vault=vault, now=began)
    await _live_a_week(session, created, list(residents.values()), now=now)
    await demo_cases.add_hazards(
        session, created.community_id, timezone=created.timezone, preset=preset, now=now
    )


async def _complete_demo(
    session: AsyncSession, community: Community, *, vault: Vault, now: datetime
) -> None:
    """Give a demo of an older version what this one adds, and see to a campaign that runs."""
    await _add_later_staff(session, community.community_id, vault=vault, now=now)
    await _run_a_campaign(session, community.community_id, now=now)
    preset = read_preset(PRESET)
    await add_funds(session, community.community_id, preset, now=now)
    if await cases.get_settings(session, community.community_id) is not None:
        return
    await complete_community(session, community.community_id, preset, now=now)
    await demo_cases.add_hazards(
        session, community.community_id, timezone=community.timezone, preset=preset, now=now
    )


def _people(places: Places) -> list[NewResident]:
    return [
        NewResident(
            ticket=f"resident-{number}",
            name=SURNAMES[number % len(SURNAMES)] + GIVEN_NAMES[number * 7 % len(GIVEN_NAMES)],
            building_id=places.buildings[number % len(places.buildings)],
            room=f"{number % 4 + 1}-{number // 12 + 1:d}0{number % 6 + 1}-{number}",
        )
        for number in range(1, RESIDENTS + 1)
    ]


async def _add_staff(
    session: AsyncSession,
    created: CreatedCommunity,
    places: Places,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    """Add two workers, two clerks and the first of the committee."""
    shops = list(created.shops.values())
    staff = (
        ("worker-1", "网格员 周敏", Role.GRID_WORKER, Place(grid_id=places.grids[0])),
        ("worker-2", "网格员 何勇", Role.GRID_WORKER, Place(grid_id=places.grids[1])),
        ("clerk-1", "便利店 小罗", Role.CLERK, Place(shop_id=shops[0])),
        ("clerk-2", "食堂 马师傅", Role.CLERK, Place(shop_id=shops[1])),
        ("committee-1", "居委会 林主任", Role.COMMITTEE, Place()),
    )
    for ticket, name, role, at in staff:
        await add_staff(
            session,
            created.community_id,
            ticket=ticket,
            name=name,
            role=role,
            at=at,
            vault=vault,
            now=now,
        )


async def _add_later_staff(
    session: AsyncSession, community_id: int, *, vault: Vault, now: datetime
) -> None:
    """Add who checks, reviews and decides appeals, each once."""
    for ticket, name, role in LATER_STAFF:
        if await queries.find_local_person(session, ticket) is None:
            await add_staff(
                session, community_id, ticket=ticket, name=name, role=role, at=Place(),
                vault=vault, now=now,
            )  # fmt: skip


async def _run_a_campaign(session: AsyncSession, community_id: int, *, now: datetime) -> None:
    """Let a campaign run, unless the committee has ended today's."""
    code = f"helping_{now:%Y%m%d}"
    if await rules.list_bonuses(session, community_id, at=now):
        return
    if code not in await books.list_campaign_codes(session, community_id):
        session.add(_campaign(community_id, code, now))


def _campaign(community_id: int, code: str, now: datetime) -> Campaign:
    return Campaign(
        community_id=community_id,
        campaign_id=new_id(now),
        code=code,
        name="邻里互助周",
        rule_codes=["volunteer_hour", "calligraphy_lesson", "story_evening"],
        percent=150,
        bonus_points=0,
        starts_at=now,
        ends_at=now + CAMPAIGN_LASTS,
    )


async def _live_a_week(
    session: AsyncSession,
    created: CreatedCommunity,
    residents: Sequence[int],
    *,
    now: datetime,
) -> None:
    """Let residents have earned something by hand, in one batch, always the same."""
    maker_id = await queries.get_local_person(session, "committee-1")
    checker_id = await queries.get_local_person(session, "committee-2")
    dice = random.Random(7)  # noqa: S311 - a story, not a secret
    items = []
    for code, title in PAST_DEEDS:
        acted_at = now - timedelta(days=dice.randint(1, 6), hours=dice.randint(0, 5))
        terms = await rules.get_terms(
            session, created.community_id, created.rules[code], at=acted_at
        )
        for resident_id in dice.sample(residents, k=dice.randint(15, 40)):
            act = Act(
                source_kind=SourceKind.COMMITTEE,
                source_id=new_id(acted_at),
                resident_id=resident_id,
                occasion="",
                units=dice.randint(1, min(3, terms.max_units)),
                acted_at=acted_at,
                timezone=created.timezone,
                recorded_by=maker_id,
                checked_by=checker_id,
                memo=title,
            )
            items.append(evaluate_act(act, terms, (), now=now))
    outcomes = await award(session, created.community_id, items, timezone=created.timezone, now=now)
    session.add_all(_posting(created.community_id, outcome.decision) for outcome in outcomes)
    await session.flush()


def _posting(community_id: int, decision: Decision) -> ManualPosting:
    """Return what two of the committee wrote down for an award."""
    item = decision.item
    result = PostingResult(
        asked_points=item.points,
        moved_points=decision.granted_points,
        contribution_id=item.contribution_id,
        transfer_id=item.contribution_id if decision.granted_points else None,
    )
    return ManualPosting(
        community_id=community_id,
        manual_posting_id=item.source_id,
        kind=PostingKind.AWARD,
        state=PostingState.POSTED,
        resident_id=item.resident_id,
        rule_code=item.terms.code,
        units=item.units,
        acted_at=item.acted_at,
        is_our_fault=False,
        reason=item.memo,
        proposed_by=item.recorded_by,
        proposed_at=item.acted_at,
        decided_by=item.checked_by,
        decided_at=item.acted_at + CHECKED_AFTER,
        result=result.model_dump(mode="json"),
    )


async def _open_clean_up(session: AsyncSession, community_id: int, *, now: datetime) -> Activity:
    """Announce a clean-up that began just now."""
    terms = await rules.get_terms_by_code(session, community_id, "weekend_clean_up", at=now)
    start = now.replace(microsecond=0)
    activity = Activity(
        community_id=community_id,
        activity_id=new_id(now),
        version=1,
        title="周末大扫除",
        location="中心花园",
        rule_id=terms.rule_id,
        units=1,
        grid_id=None,
        starts_at=start,
        ends_at=start + CLEAN_UP_LASTS,
        check_in_opens_at=start - timedelta(minutes=30),
        check_in_closes_at=start + CLEAN_UP_LASTS,
        state=ActivityState.SCHEDULED,
        created_by=await queries.get_local_person(session, "worker-1"),
        created_at=now,
    )
    session.add(activity)
    await session.flush()
    return activity
