"""However many redeem at once, nobody spends a point twice and no shelf goes below empty."""

from collections import Counter

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import (
    award_batch,
    balance_of,
    give_all,
    sign_in_crowd,
    tally,
    together,
)
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def change_reward(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood, code: str, change: str
) -> None:
    where = "WHERE community_id = :community_id AND code = :code"
    async with sessionmaker.begin() as session:
        await session.execute(
            text(f"UPDATE rewards SET {change} {where}"),  # noqa: S608 - written in this file
            {"community_id": here.community_id, "code": code},
        )


def path_to(here: Neighbourhood, code: str) -> str:
    return f"/v1/rewards/{here.reward_id(code)}/redeem"


async def test_two_hundred_residents_share_a_stock_of_twenty(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(200)
    await change_reward(race_sessionmaker, here, "canteen_meal", "stock_left = 20")
    names = [f"resident-{number}" for number in range(1, 201)]
    await award_batch(race_sessionmaker, here, "legal_advice", names, now=clock.now)
    residents = await sign_in_crowd(here, clock, 200)
    meal = path_to(here, "canteen_meal")

    answers = await together(resident.post_once(meal) for resident in residents)

    assert tally(answers) == {"201": 20, "out_of_stock": 180}
    vouchers = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({voucher["voucher_id"] for voucher in vouchers}) == 20
    shelf = await residents[0].get(f"/v1/rewards/{here.reward_id('canteen_meal')}")
    assert shelf.json()["stock_left"] == 0
    balances = await together(balance_of(resident) for resident in residents)
    assert Counter(one["held_points"] for one in balances) == {0: 180, 50: 20}
    await audit(here)


async def test_a_hundred_points_buy_one_of_two_things_at_once(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(10)
    await change_reward(race_sessionmaker, here, "activity_room", "price_points = 100")
    await give_all(here, 10, "legal_advice")
    await give_all(here, 10, "legal_advice")
    residents = await sign_in_crowd(here, clock, 10)
    things = [path_to(here, "coupon_10"), path_to(here, "activity_room")]

    answers = await together(
        resident.post_once(thing) for resident in residents for thing in things
    )

    assert tally(answers) == {"201": 10, "insufficient_points": 10}
    balances = [await balance_of(resident) for resident in residents]
    assert {(one["held_points"], one["available_points"]) for one in balances} == {(100, 0)}
    await audit(here)


async def test_a_limit_of_two_each_holds_at_once(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(3)
    for _ in range(20):
        await give_all(here, 3, "legal_advice")
    residents = await sign_in_crowd(here, clock, 3)
    parking = path_to(here, "parking_10_hours")

    answers = await together(
        resident.post_once(parking) for _ in range(5) for resident in residents
    )

    assert tally(answers) == {"201": 6, "limit_reached": 9}
    assert [(await balance_of(one))["held_points"] for one in residents] == [400] * 3
    await audit(here)


async def test_one_key_fifty_times_issues_one_voucher(race: MakeRace, audit: Audit) -> None:
    here = await race(1)
    for _ in range(6):
        await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")

    async def redeem() -> httpx.Response:
        return await resident.post(path_to(here, "canteen_meal"), key="the-same-for-all")

    answers = await together(redeem() for _ in range(50))

    assert tally(answers) == {"201": 50}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
    assert len((await resident.get("/v1/me/vouchers")).json()["items"]) == 1
    assert (await balance_of(resident))["available_points"] == 250
    await audit(here)
