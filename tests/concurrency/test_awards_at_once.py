"""However many ask at once, an act earns once and a cap holds."""

from datetime import timedelta

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.rules.models import Rule, RuleVersion
from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import award_batch, balance_of, sign_in_crowd, tally, together
from tests.conftest import MakeRace
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood

PRAISE = {"rule_code": "mediation", "reason": "调解了邻里纠纷"}


async def test_fifty_scans_by_one_resident_earn_once(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(1)
    code = {"code": await here.poster(await here.announce(clock.now))}
    resident = await here.caller("resident-1")

    answers = await together(resident.post("/v1/me/check-ins", code) for _ in range(50))

    assert tally(answers) == {"201": 1, "200": 49}
    told = [answer.json() for answer in answers]
    assert sum(answer["is_new"] for answer in told) == 1
    assert len({answer["contribution_id"] for answer in told}) == 1
    assert {answer["balance_points"] for answer in told} == {20}
    assert (await balance_of(resident))["posted_points"] == 20
    await audit(here)


async def test_scanning_and_being_scanned_at_once_earn_once_each(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(10)
    activity = await here.announce(clock.now)
    poster = {"code": await here.poster(activity)}
    residents = await sign_in_crowd(here, clock, 10)
    workers = [await here.caller("worker-1"), await here.caller("worker-2")]

    async def show_code(resident: Caller) -> dict[str, str]:
        code = (await resident.get("/v1/me/code")).json()["link"]
        return {"activity_id": activity["activity_id"], "code": code}

    shown = [await show_code(resident) for resident in residents]
    scanned_poster = [resident.post("/v1/me/check-ins", poster) for resident in residents]
    were_scanned = [
        worker.post("/v1/staff/check-ins", code) for code in shown for worker in workers
    ]

    answers = await together(scanned_poster + were_scanned)

    assert tally(answers) == {"201": 10, "200": 20}
    assert [(await balance_of(one))["posted_points"] for one in residents] == [20] * 10
    await audit(here)


async def test_asking_for_the_day_many_times_earns_once(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(5)
    residents = await sign_in_crowd(here, clock, 5)

    answers = await together(
        resident.post("/v1/me/daily-check-in") for _ in range(10) for resident in residents
    )

    assert tally(answers) == {"201": 5, "200": 45}
    assert [(await balance_of(one))["posted_points"] for one in residents] == [1] * 5
    await audit(here)


async def test_a_cap_of_five_gives_five_of_a_hundred_awards_at_once(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(2)
    residents = await sign_in_crowd(here, clock, 2)
    await add_capped_rule(race_sessionmaker, here, clock)
    for name in ("committee-1", "committee-2"):
        await here.caller(name)

    async def praise_one() -> int:
        points: int = (await here.give("resident-1", "tidy"))["granted_points"]
        return points

    async def praise_in_a_batch() -> int:
        names = ["resident-1", "resident-2"] * 10
        outcomes = await award_batch(race_sessionmaker, here, "tidy", names, now=clock.now)
        return sum(outcome.decision.granted_points for outcome in outcomes)

    granted = await together(
        [*(praise_one() for _ in range(60)), *(praise_in_a_batch() for _ in range(4))]
    )

    assert sum(granted) == 2 * 5
    assert [(await balance_of(one))["posted_points"] for one in residents] == [5, 5]
    await audit(here)


async def add_capped_rule(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood, clock: Clock
) -> None:
    """Add a rule of 2 points, at most 5 a day: the third award is cut to one."""
    rule_id = new_id(clock.now)
    version = RuleVersion(
        community_id=here.community_id,
        rule_version_id=new_id(clock.now),
        rule_id=rule_id,
        version=1,
        name="整理楼道",
        category="环境",
        direction="earn",
        unit="time",
        points=2,
        max_units=1,
        caps=[{"period": "day", "points": 5}],
        expiry={"kind": "never"},
        effective_from=clock.now - timedelta(days=1),
        effective_until=None,
    )
    async with sessionmaker.begin() as session:
        session.add(Rule(community_id=here.community_id, rule_id=rule_id, code="tidy"))
        await session.flush()
        session.add(version)


async def test_one_key_fifty_times_posts_one_award(race: MakeRace, audit: Audit) -> None:
    here = await race(1)
    committee, resident = await here.caller("committee-1"), await here.caller("resident-1")
    body = here.posting("award", "resident-1", **PRAISE)

    async def post() -> httpx.Response:
        return await committee.post(POSTINGS, body, key="the-same-for-all")

    answers = await together(post() for _ in range(50))

    assert tally(answers) == {"201": 50}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
    assert (await here.approve(answers[0].json()["posting_id"])).status_code == 200
    assert (await balance_of(resident))["posted_points"] == 20
    await audit(here)
