"""Intervals and campaigns' limits on the database: read under lock, kept in races, given free."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions import service as contributions
from app.contributions.limits.queries import free_caps
from app.contributions.posting import AwardItem, Verdict
from app.contributions.reversals import Undoing, undo_contribution
from app.core.ids import new_id
from app.rules import service as rules
from app.rules.evaluation import Bonus, Terms
from app.rules.models import Campaign
from tests.conftest import MakeRace
from tests.support.awards import award, get_terms, make_item
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def session(sessionmaker: Sessions) -> AsyncIterator[AsyncSession]:
    async with sessionmaker() as session:
        yield session


async def open_campaign(
    session: AsyncSession, here: Neighbourhood, *, now: datetime, **changes: Any
) -> Bonus:
    """Open a campaign that doubles every rule, and return it as evaluation needs it."""
    columns = {
        "code": "spring", "name": "春节主题月", "rule_codes": [], "percent": 200,
        "bonus_points": 0, "starts_at": now - timedelta(days=7),
        "ends_at": now + timedelta(days=7),
    }  # fmt: skip
    session.add(
        Campaign(community_id=here.community_id, campaign_id=new_id(now), **columns | changes)
    )
    await session.flush()
    [bonus] = await rules.list_bonuses(session, here.community_id, at=now)
    return bonus


async def grant(
    session: AsyncSession, here: Neighbourhood, items: Sequence[AwardItem], *, now: datetime
) -> list[int]:
    outcomes = await award(session, here, items, now=now)
    return [outcome.decision.granted_points for outcome in outcomes]


async def used_of(session: AsyncSession, here: Neighbourhood) -> dict[int, int]:
    """Return what campaigns have given, by resident; 0 is everybody."""
    statement = "SELECT resident_id, used_points FROM campaign_usage WHERE community_id = :id"
    rows = await session.execute(text(statement), {"id": here.community_id})
    return {row.resident_id: row.used_points for row in rows}


async def spaced_terms(session: AsyncSession, here: Neighbourhood, *, at: datetime) -> Terms:
    terms = await get_terms(session, here, "survey", at=at)
    return replace(terms, min_interval=timedelta(hours=2))


async def test_acts_too_near_to_one_another_earn_once_in_one_batch_or_in_several(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await spaced_terms(session, here, at=clock.now)
    resident, other = (int(here.resident_id(f"resident-{number}")) for number in (1, 2))

    def act(hours: float, resident_id: int = resident) -> AwardItem:
        acted_at = clock.now - timedelta(hours=hours)
        return make_item(terms, resident_id, now=clock.now, acted_at=acted_at)

    first = [act(10), act(9), act(8), act(9, other)]
    assert await grant(session, here, first, now=clock.now) == [5, 0, 5, 5]
    # Later told of an act before those, and of one between them.
    assert await grant(session, here, [act(11.9), act(12), act(6.5)], now=clock.now) == [0, 5, 0]
    await assert_books_balance(session, here.community_id)


async def test_a_budget_and_a_limit_per_person_last_over_batches(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    bonus = await open_campaign(
        session, here, now=clock.now, budget_points=22, per_person_points=12
    )
    terms = await get_terms(session, here, "survey", at=clock.now)
    one, two, three = (int(here.resident_id(f"resident-{number}")) for number in (1, 2, 3))

    def acts(*residents: int) -> list[AwardItem]:
        return [make_item(terms, number, now=clock.now, bonuses=[bonus]) for number in residents]

    assert await grant(session, here, acts(one, one, two), now=clock.now) == [10, 10, 10]
    assert await grant(session, here, acts(one, two, three), now=clock.now) == [7, 10, 5]
    assert await used_of(session, here) == {0: 22, one: 12, two: 10, three: 0}
    await assert_books_balance(session, here.community_id)


async def test_an_award_undone_as_if_it_had_not_been_gives_its_caps_and_budget_free(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    bonus = await open_campaign(session, here, now=clock.now, budget_points=5)
    terms = await get_terms(session, here, "daily_check_in", at=clock.now)
    terms = replace(terms, min_interval=timedelta(hours=2))
    resident = int(here.resident_id("resident-1"))

    def act() -> AwardItem:
        return make_item(terms, resident, now=clock.now, bonuses=[bonus])

    item = act()
    assert await grant(session, here, [item, act()], now=clock.now) == [2, 0]
    undoing = Undoing(
        item.contribution_id, None, "改正", "记错了", ("reversal", 0), 1, 2, frees_caps=True
    )
    await undo_contribution(
        session, here.community_id, undoing, timezone="Asia/Shanghai", now=clock.now
    )
    assert set((await used_of(session, here)).values()) == {0}
    assert await grant(session, here, [act(), act()], now=clock.now) == [2, 0]
    await assert_books_balance(session, here.community_id)


async def test_many_at_once_get_no_more_from_a_budget_than_it_has(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(12)
    async with race_sessionmaker.begin() as session:
        bonus = await open_campaign(session, here, now=clock.now, budget_points=22)
        terms = await get_terms(session, here, "survey", at=clock.now)

    async def scan(resident_id: int) -> int:
        async with race_sessionmaker.begin() as session:
            item = make_item(terms, resident_id, now=clock.now, bonuses=[bonus])
            (points,) = await grant(session, here, [item], now=clock.now)
            return points

    granted = await asyncio.gather(*(scan(number) for number in here.residents.values()))
    assert sorted(granted) == [5] * 7 + [7] + [10] * 4
    async with race_sessionmaker() as session:
        assert (await used_of(session, here))[0] == 22
        await assert_books_balance(session, here.community_id)


async def test_where_nobody_waits_for_a_resident_nobody_waits_for_their_budget(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(1)
    (resident,) = here.residents.values()
    async with race_sessionmaker.begin() as session:
        bonus = await open_campaign(session, here, now=clock.now, budget_points=22)
        terms = await get_terms(session, here, "survey", at=clock.now)
    first, second = (make_item(terms, resident, now=clock.now, bonuses=[bonus]) for _ in range(2))

    async with race_sessionmaker.begin() as holder, race_sessionmaker.begin() as session:
        await grant(holder, here, [first], now=clock.now)
        await session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        [outcome] = await contributions.award(
            session, here.community_id, [second],
            timezone="Asia/Shanghai", now=clock.now, waits=False,
        )  # fmt: skip

    assert outcome.decision.verdict is Verdict.NO_SUCH_RESIDENT


async def test_budgets_are_given_free_in_the_order_in_which_awards_lock_them(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(1)
    (resident,) = here.residents.values()
    async with race_sessionmaker.begin() as session:
        for code in ("z_first", "a_second"):
            campaign = {"code": code, "budget_points": 100}
            session.add(
                Campaign(
                    community_id=here.community_id, campaign_id=new_id(clock.now), name=code,
                    rule_codes=[], percent=200, bonus_points=0,
                    starts_at=clock.now - timedelta(days=7), ends_at=clock.now + timedelta(days=7),
                    **campaign,
                )
            )  # fmt: skip
        await session.flush()
        bonuses = await rules.list_bonuses(session, here.community_id, at=clock.now)
        terms = await get_terms(session, here, "survey", at=clock.now)
        item = make_item(terms, resident, now=clock.now, bonuses=bonuses)
        await grant(session, here, [item], now=clock.now)
    first, second = sorted(bonus.campaign_id for bonus in bonuses)
    lock = (
        "SELECT FROM campaign_usage WHERE campaign_id = :campaign AND resident_id = 0"
        " FOR NO KEY UPDATE NOWAIT"
    )

    async def free() -> None:
        async with race_sessionmaker.begin() as session:
            await free_caps(
                session, here.community_id, item.contribution_id, timezone="Asia/Shanghai"
            )

    async with (
        asyncio.timeout(10),
        asyncio.TaskGroup() as tasks,
        race_sessionmaker.begin() as awarding,
    ):
        await awarding.execute(text(lock), {"campaign": first})
        tasks.create_task(free())
        async with race_sessionmaker() as watching:
            while not await watching.scalar(text(WAITING)):
                await watching.rollback()
        # Not taken by who waits for the first: awards would wait for it in a circle.
        await awarding.execute(text(lock), {"campaign": second})
    async with race_sessionmaker() as session:
        assert set((await used_of(session, here)).values()) == {0}
