"""Opening campaigns, ending them early, and what they have given."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rules.models import RuleCategory
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

CAMPAIGNS = "/v1/staff/campaigns"
# The clock says Wednesday, 18 November 2026, three in the afternoon.
TODAY, YESTERDAY, LAST_DAY = "2026-11-18", "2026-11-17", "2026-11-30"
DOUBLE = {
    "code": "double", "name": "互助双倍", "categories": ["helping"], "percent": 200,
    "starts_on": TODAY, "ends_on": LAST_DAY,
}  # fmt: skip


async def try_open(here: Neighbourhood, **changes: Any) -> httpx.Response:
    return await (await here.caller("committee-1")).post_once(CAMPAIGNS, DOUBLE | changes)


async def open_campaign(here: Neighbourhood, **changes: Any) -> dict[str, Any]:
    answer = await try_open(here, **changes)
    assert answer.status_code == 201, answer.text
    campaign: dict[str, Any] = answer.json()
    return campaign


async def end(here: Neighbourhood, campaign: dict[str, Any], **body: Any) -> httpx.Response:
    committee = await here.caller("committee-2")
    return await committee.post(f"{CAMPAIGNS}/{campaign['campaign_id']}/end", body)


async def usage(here: Neighbourhood, campaign: dict[str, Any]) -> dict[str, Any]:
    committee = await here.caller("committee-1")
    answer = await committee.get(f"{CAMPAIGNS}/{campaign['campaign_id']}/usage")
    assert answer.status_code == 200, answer.text
    used: dict[str, Any] = answer.json()
    return used


async def list_campaigns(here: Neighbourhood) -> list[dict[str, Any]]:
    resident = await here.caller("resident-1")
    items: list[dict[str, Any]] = (await resident.get("/v1/campaigns")).json()["items"]
    return items


async def granted(here: Neighbourhood, name: str, rule_code: str) -> int:
    points: int = (await here.give(name, rule_code))["granted_points"]
    return points


async def test_a_campaign_that_starts_today_starts_now_and_gives_within_its_budget(
    here: Neighbourhood, clock: Clock
) -> None:
    campaign = await open_campaign(here, budget_points=25)
    assert campaign["is_running"] is True
    assert campaign["starts_at"] == clock.now.isoformat().replace("+00:00", "Z")
    assert campaign["ends_at"] == "2026-11-30T16:00:00Z"
    sentence = (
        "互助双倍：2026 年 11 月 18 日至 11 月 30 日，“互助”类，按 2 倍计分，总额 25 分、发完为止"
    )  # fmt: skip
    assert campaign["sentence"] == sentence
    assert sentence in {shown["sentence"] for shown in await list_campaigns(here)}

    clock.advance(seconds=1)
    given = [
        await granted(here, name, "story_evening")
        for name in ("resident-1", "resident-2", "resident-3")
    ]
    assert given == [30, 25, 15]
    assert await usage(here, campaign) == {
        "campaign_id": campaign["campaign_id"], "is_counted": True, "given_points": 25,
        "residents": 2, "budget_points": 25, "left_points": 0,
    }  # fmt: skip


async def test_without_a_limit_nothing_is_counted_and_with_a_persons_no_budget_is_left(
    here: Neighbourhood, clock: Clock
) -> None:
    unlimited = await open_campaign(here)
    assert (await usage(here, unlimited))["is_counted"] is False
    limited = await open_campaign(here, code="each", per_person_points=5)
    clock.advance(seconds=1)
    assert await granted(here, "resident-1", "story_evening") == 15 + 15 + 5
    used = await usage(here, limited)
    assert (used["given_points"], used["left_points"]) == (5, None)


async def test_only_residents_of_its_grids_get_more(here: Neighbourhood, clock: Clock) -> None:
    campaign = await open_campaign(here, grid_ids=[str(here.places.grids[1])])
    assert "限第二网格" in campaign["sentence"]
    clock.advance(seconds=1)
    # resident-3 lives in building 3, which is the second grid's.
    assert await granted(here, "resident-3", "story_evening") == 30
    assert await granted(here, "resident-1", "story_evening") == 15


REFUSED = [
    ({"starts_on": YESTERDAY}, "campaign_in_the_past"),
    ({"rules": ["no_such_rule"]}, "campaign_names_unknown"),
    # What takes points is doubled by nobody.
    ({"rules": ["sorted_wrongly"]}, "campaign_names_unknown"),
    ({"categories": ["nowhere"]}, "campaign_names_unknown"),
    ({"grid_ids": ["1"]}, "campaign_names_unknown"),
    ({"percent": 100}, "request_invalid"),
    ({"ends_on": None}, "request_invalid"),
    ({"ends_on": YESTERDAY}, "request_invalid"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
async def test_what_a_campaign_names_must_be_there_and_its_days_to_come(
    here: Neighbourhood, changes: dict[str, Any], code: str
) -> None:
    assert problem_code(await try_open(here, **changes)) == code


async def test_a_grid_of_another_community_is_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    answer = await try_open(here, grid_ids=[str(elsewhere.places.grids[0])])
    assert problem_code(answer) == "campaign_names_unknown"
    campaign = await open_campaign(here)
    committee = await elsewhere.caller("committee-1")
    path = f"{CAMPAIGNS}/{campaign['campaign_id']}"
    for refused in (await committee.get(f"{path}/usage"), await committee.post(f"{path}/end")):
        assert problem_code(refused) == "campaign_not_found"


async def test_a_code_is_given_once(here: Neighbourhood) -> None:
    await open_campaign(here)
    assert problem_code(await try_open(here)) == "campaign_code_taken"


async def test_a_campaign_ends_early_and_what_it_gave_stays(
    here: Neighbourhood, clock: Clock
) -> None:
    campaign = await open_campaign(here)
    before = len(await list_campaigns(here))
    clock.advance(seconds=1)
    assert await granted(here, "resident-1", "story_evening") == 30
    for wrong in ("2026-12-02T00:00:00+08:00", "2026-11-18T14:00:00+08:00"):
        answer = await end(here, campaign, ends_at=wrong)
        assert problem_code(answer) == "campaign_ends_earlier"
    sooner = await end(here, campaign, ends_at="2026-11-25T00:00:00+08:00")
    assert sooner.json()["ends_at"] == "2026-11-24T16:00:00Z"

    first, again = [await end(here, campaign) for _ in range(2)]
    assert first.json() == again.json()
    assert first.json()["is_running"] is False
    clock.advance(seconds=1)
    assert (await end(here, campaign)).json() == first.json()
    assert await granted(here, "resident-2", "story_evening") == 15
    assert len(await list_campaigns(here)) == before - 1


async def test_a_campaign_that_is_called_off_never_begins(
    here: Neighbourhood, clock: Clock
) -> None:
    before = await list_campaigns(here)
    campaign = await open_campaign(here, starts_on="2026-11-20")
    assert campaign["is_running"] is False
    first, again = [await end(here, campaign) for _ in range(2)]
    assert first.json() == again.json()
    assert await list_campaigns(here) == before
    let_pass(here, clock, days=3)
    assert await granted(here, "resident-1", "story_evening") == 15


async def test_a_night_that_begins_on_the_last_day_counts_to_its_end(
    here: Neighbourhood, clock: Clock
) -> None:
    night = {"from": "22:00", "until": "06:00"}
    campaign = await open_campaign(
        here, categories=["helping"], hours=night, starts_on="2026-11-19", ends_on="2026-11-20"
    )
    given = []
    # By the neighbourhood's clock: 05:00 and 23:00 on the 19th, 05:00 and 06:00 on the 21st.
    for hours in (14, 18, 30, 1):
        let_pass(here, clock, hours=hours)
        given.append(await granted(here, "resident-1", "story_evening"))

    assert (campaign["starts_at"], campaign["ends_at"]) == (
        "2026-11-19T14:00:00Z", "2026-11-20T22:00:00Z",
    )  # fmt: skip
    assert "2026 年 11 月 19 日至 11 月 20 日，每天 22:00 至次日 06:00" in campaign["sentence"]
    assert given == [15, 30, 30, 15]


async def test_a_campaign_of_a_category_is_one_of_the_branches_below_it_as_well(
    here: Neighbourhood,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    async with sessionmaker.begin() as session:
        session.add_all(
            RuleCategory(community_id=here.community_id, code=code, name=code, parent_code=parent)
            for code, parent in (("life", None), ("leisure", "life"))
        )
        await session.flush()
        await session.execute(
            update(RuleCategory)
            .where(RuleCategory.community_id == here.community_id, RuleCategory.code == "helping")
            .values(parent_code="leisure")
        )
    await open_campaign(here, categories=["life"])
    clock.advance(seconds=1)

    assert await granted(here, "resident-1", "story_evening") == 30
    assert await granted(here, "resident-1", "survey") == 5


async def test_what_was_called_off_gives_nothing_at_the_very_moment_it_would_have_begun(
    here: Neighbourhood, clock: Clock
) -> None:
    campaign = await open_campaign(here, starts_on="2026-11-19")
    assert (await end(here, campaign)).status_code == 200
    clock.now = datetime(2026, 11, 18, 16, tzinfo=UTC)
    here.callers.clear()

    assert await granted(here, "resident-1", "story_evening") == 15
    committee = await here.caller("committee-1")
    assert 'code = "double"' not in (await committee.get("/v1/staff/rule-book")).json()["toml"]
