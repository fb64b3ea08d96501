"""The catalogue: what is on offer, cheapest first, page by page."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import make_reward


async def read_catalogue(here: Neighbourhood, size: int) -> list[dict[str, Any]]:
    resident = await here.caller("resident-1")
    rewards: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await resident.get("/v1/rewards", size=size, **cursor)).json()
        rewards += page["items"]
        assert len(page["items"]) <= size
        if page["next_cursor"] is None:
            return rewards
        cursor = {"cursor": page["next_cursor"]}


async def test_everybody_sees_the_preset_cheapest_first(here: Neighbourhood) -> None:
    for name in ("resident-1", "worker-1", "clerk-1", "committee-1"):
        reader = await here.caller(name)
        shown = (await reader.get("/v1/rewards")).json()["items"]
        assert [reward["price_points"] for reward in shown] == [50, 100, 200, 300, 500]
        assert shown[0] == {
            "reward_id": here.reward_id("canteen_meal"),
            "kind": "goods",
            "name": "社区食堂午餐一份",
            "description": "凭券到社区食堂领取当日套餐。",
            "price_points": 50,
            "stock_left": 200,
            "per_resident_limit": None,
            "voucher_days": 30,
        }
        one = await reader.get(f"/v1/rewards/{here.reward_id('canteen_meal')}")
        assert one.json() == shown[0]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 10])
async def test_pages_never_repeat_or_skip_even_where_prices_are_equal(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    size: int,
) -> None:
    async with sessionmaker.begin() as session:
        for price in (50, 50, 50, 100, 1):
            await make_reward(session, here, now=clock.now, price_points=price)

    shown = await read_catalogue(here, size)

    assert [reward["price_points"] for reward in shown] == [
        1, 50, 50, 50, 50, 100, 100, 200, 300, 500,
    ]  # fmt: skip
    assert len({reward["reward_id"] for reward in shown}) == 10


async def test_what_was_withdrawn_is_not_on_offer_but_can_still_be_looked_at(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        reward_id = await make_reward(session, here, now=clock.now, state="withdrawn")
    resident = await here.caller("resident-1")
    assert reward_id not in {row["reward_id"] for row in await read_catalogue(here, 100)}
    assert (await resident.get(f"/v1/rewards/{reward_id}")).status_code == 200


async def test_rewards_of_another_community_are_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    resident = await here.caller("resident-1")
    for number in (elsewhere.reward_id("canteen_meal"), "1"):
        answer = await resident.get(f"/v1/rewards/{number}")
        assert (answer.status_code, problem_code(answer)) == (404, "reward_not_found")
    theirs = set(map(str, elsewhere.created.rewards.values()))
    assert not theirs & {row["reward_id"] for row in await read_catalogue(here, 100)}
