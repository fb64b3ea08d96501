"""My vouchers: listed, looked at, given back."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.book_rows import list_lots
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, make_reward, redeem


async def read_vouchers(here: Neighbourhood, size: int) -> list[dict[str, Any]]:
    resident = await here.caller("resident-1")
    vouchers: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await resident.get("/v1/me/vouchers", size=size, **cursor)).json()
        vouchers += page["items"]
        if page["next_cursor"] is None:
            return vouchers
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
async def test_vouchers_are_listed_newest_first_page_by_page(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    size: int,
) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-2", "legal_advice")
    async with sessionmaker.begin() as session:
        reward_id = await make_reward(session, here, now=clock.now)
    bought = [await redeem(here, "resident-1", reward_id) for _ in range(5)]
    await redeem(here, "resident-2", reward_id)

    assert await read_vouchers(here, size) == bought[::-1]


async def test_a_voucher_is_its_owners_only(here: Neighbourhood, elsewhere: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    path = f"/v1/me/vouchers/{voucher['voucher_id']}"
    for other in (await here.caller("resident-2"), await elsewhere.caller("resident-1")):
        answers = [
            await other.get(path),
            await other.get(f"{path}/code.png"),
            await other.post_once(f"{path}/cancel"),
        ]
        assert [(row.status_code, problem_code(row)) for row in answers] == [
            (404, "voucher_not_found")
        ] * 3
        assert (await other.get("/v1/me/vouchers")).json()["items"] == []
    owner = await here.caller("resident-1")
    assert (await owner.get(path)).json() == voucher


async def test_a_voucher_given_back_frees_the_same_lots_and_the_stock(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    for rule in ("mediation", "organising", "survey"):
        await here.give("resident-1", rule)
    async with sessionmaker() as session:
        before = await list_lots(session, here.community_id, resident_id)
    meal = here.reward_id("canteen_meal")
    voucher = await redeem(here, "resident-1", meal)
    resident = await here.caller("resident-1")
    stock = [(await resident.get(f"/v1/rewards/{meal}")).json()["stock_left"]]

    answer = await give_back(here, "resident-1", voucher)

    stock.append((await resident.get(f"/v1/rewards/{meal}")).json()["stock_left"])
    assert answer.status_code == 200
    assert answer.json() == voucher | {"state": "cancelled"}
    assert stock == [199, 200]
    async with sessionmaker() as session:
        assert await list_lots(session, here.community_id, resident_id) == before
        await assert_books_balance(session, here.community_id)


async def test_a_voucher_is_given_back_once(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await give_back(here, "resident-1", voucher)
    answer = await give_back(here, "resident-1", voucher)
    assert (answer.status_code, problem_code(answer)) == (410, "voucher_cancelled")


async def test_giving_back_repeated_with_its_key_gets_the_stored_answer(
    here: Neighbourhood,
) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    resident = await here.caller("resident-1")
    path, key = f"/v1/me/vouchers/{voucher['voucher_id']}/cancel", fresh_key()
    answers = [await resident.post(path, key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    keyless = await resident.post(path)
    assert (keyless.status_code, problem_code(keyless)) == (422, "idempotency_key_missing")


async def test_a_used_voucher_is_not_given_back(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await consume(here, voucher["typed_code"])
    answer = await give_back(here, "resident-1", voucher)
    assert (answer.status_code, problem_code(answer)) == (409, "voucher_used")
    assert answer.json()["used_at"].startswith("2026-11-18T")


async def test_a_lapsed_voucher_reads_as_expired_before_any_job_ran(
    here: Neighbourhood, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    let_pass(here, clock, days=30, seconds=-1)
    assert [row["state"] for row in await read_vouchers(here, 10)] == ["issued"]
    clock.advance(seconds=1)
    assert [row["state"] for row in await read_vouchers(here, 10)] == ["expired"]
    answer = await give_back(here, "resident-1", voucher)
    assert (answer.status_code, problem_code(answer)) == (410, "voucher_expired")


async def test_a_used_voucher_tells_when(here: Neighbourhood, clock: Clock) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    clock.advance(minutes=3)
    await consume(here, voucher["typed_code"])
    [told] = await read_vouchers(here, 10)
    assert (told["state"], told["used_at"]) == ("used", "2026-11-18T07:03:00Z")
