"""The home page: my points, my rank and what I can redeem now, in one call."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import make_reward, redeem


async def test_the_home_page_tells_it_all(here: Neighbourhood, clock: Clock) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-1", "organising")
    await here.give("resident-2", "legal_advice")
    await here.give("resident-2", "legal_advice")
    activity = await here.announce(clock.now)
    resident = await here.caller("resident-1")

    home = (await resident.get("/v1/me/home")).json()

    catalogue = (await resident.get("/v1/rewards")).json()["items"]
    assert home == {
        "me": {
            "resident_id": here.resident_id("resident-1"),
            "display_name": "王小四",
            "building_name": "1 号楼",
            "community_name": "阳光社区",
        },
        "balance": {
            "posted_points": 80, "held_points": 0, "available_points": 80, "debt_points": 0,
            "savings_points": 0, "next_lapse": None,
        },
        "month": {"period": "month", "starts_on": "2026-11-01", "points": 80, "rank": 2},
        "all_time": {"period": "all", "starts_on": "1970-01-01", "points": 80, "rank": 2},
        "has_checked_in_today": False,
        "can_redeem": catalogue[:1],
        "next_reward": catalogue[1],
        "activities": [activity],
        "now": "2026-11-18T07:00:00Z",
    }  # fmt: skip


async def test_a_newcomer_sees_what_to_aim_for(here: Neighbourhood) -> None:
    resident = await here.caller("resident-6")
    home = (await resident.get("/v1/me/home")).json()
    assert (home["can_redeem"], home["activities"]) == ([], [])
    assert home["next_reward"]["name"] == "社区食堂午餐一份"
    assert home["month"] == {
        "period": "month", "starts_on": "2026-11-01", "points": 0, "rank": 1,
    }  # fmt: skip


async def test_the_daily_check_in_is_done_until_midnight(here: Neighbourhood, clock: Clock) -> None:
    resident = await here.caller("resident-1")
    await resident.post("/v1/me/daily-check-in")
    done = [(await resident.get("/v1/me/home")).json()["has_checked_in_today"]]
    for hours, minutes in ((8, 59), (0, 1)):
        let_pass(here, clock, hours=hours, minutes=minutes)
        resident = await here.caller("resident-1")
        done.append((await resident.get("/v1/me/home")).json()["has_checked_in_today"])
    other = await here.caller("resident-2")
    assert done == [True, True, False]
    assert (await other.get("/v1/me/home")).json()["has_checked_in_today"] is False


async def test_what_i_can_redeem_follows_the_points_that_are_free(here: Neighbourhood) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")
    before = (await resident.get("/v1/me/home")).json()
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))

    after = (await resident.get("/v1/me/home")).json()

    prices = [[row["price_points"] for row in home["can_redeem"]] for home in (before, after)]
    assert prices == [[100, 50], [50]]
    assert [home["next_reward"]["price_points"] for home in (before, after)] == [200, 100]
    assert after["balance"] == {
        "posted_points": 100, "held_points": 50, "available_points": 50, "debt_points": 0,
        "savings_points": 0, "next_lapse": None,
    }  # fmt: skip
    assert after["month"]["points"] == 100


async def test_what_is_sold_out_or_withdrawn_is_not_suggested(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await make_reward(session, here, now=clock.now, price_points=1, stock_left=0)
        await make_reward(session, here, now=clock.now, price_points=2, state="withdrawn")
        await make_reward(session, here, now=clock.now, price_points=60, stock_left=0)
    await here.give("resident-1", "legal_advice")
    home = (await (await here.caller("resident-1")).get("/v1/me/home")).json()
    assert [row["price_points"] for row in home["can_redeem"]] == [50]
    assert home["next_reward"]["price_points"] == 100


async def test_the_five_dearest_that_i_can_afford_are_shown(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        for price in (1, 2, 3, 4, 5, 6):
            await make_reward(session, here, now=clock.now, price_points=price)
    await here.give("resident-1", "survey")
    await here.give("resident-1", "read_announcement")
    home = (await (await here.caller("resident-1")).get("/v1/me/home")).json()
    assert [row["price_points"] for row in home["can_redeem"]] == [6, 5, 4, 3, 2]
    assert home["next_reward"]["price_points"] == 50


async def test_activities_that_are_over_are_not_on_the_home_page(
    here: Neighbourhood, clock: Clock
) -> None:
    await here.announce(clock.now)
    coming = await here.announce(clock.now + timedelta(hours=3))
    let_pass(here, clock, hours=2, seconds=1)
    home = (await (await here.caller("resident-1")).get("/v1/me/home")).json()
    assert home["activities"] == [coming]


async def test_staff_have_no_home_page(here: Neighbourhood) -> None:
    for name in ("worker-1", "clerk-1", "committee-1"):
        answer = await (await here.caller(name)).get("/v1/me/home")
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
