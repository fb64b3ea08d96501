"""A shop's own request numbers: repeated, reused, asked for; and its record."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.book_rows import count
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, make_reward, redeem, withdraw

NUMBER = "POS-2026-0001"


async def buy_meal(here: Neighbourhood) -> dict[str, Any]:
    await here.give("resident-1", "legal_advice")
    return await redeem(here, "resident-1", here.reward_id("canteen_meal"))


async def ask_for(here: Neighbourhood, number: str, *, shop: str = "canteen") -> Any:
    clerk = await here.caller("clerk-2" if shop == "canteen" else "clerk-1")
    return await clerk.get(f"/v1/merchant/requests/{number}", shop_id=here.shop_id(shop))


async def test_a_confirmation_repeated_gets_the_same_stored_answer(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    voucher = await buy_meal(here)
    first = await consume(here, voucher["token"], number=NUMBER)
    let_pass(here, clock, hours=5)

    again = await consume(here, voucher["token"], number=NUMBER)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    async with sessionmaker() as session:
        assert await count(session, "transfers", kind="spend") == 1
        await assert_books_balance(session, here.community_id)


async def test_a_withdrawal_repeated_gets_the_same_stored_answer(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    voucher = await buy_meal(here)
    done = (await consume(here, voucher["token"])).json()
    first = await withdraw(here, done["verification_id"], number=NUMBER)
    await consume(here, voucher["token"])
    let_pass(here, clock, hours=5)

    again = await withdraw(here, done["verification_id"], number=NUMBER)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    async with sessionmaker() as session:
        assert await count(session, "transfers", kind="reversal") == 1
        await assert_books_balance(session, here.community_id)


async def test_a_number_used_for_another_voucher_is_refused(here: Neighbourhood) -> None:
    one, other = await buy_meal(here), await buy_meal(here)
    await consume(here, one["token"], number=NUMBER)
    answer = await consume(here, other["token"], number=NUMBER)
    assert (answer.status_code, problem_code(answer)) == (422, "request_number_reused")


async def test_a_number_of_a_confirmation_is_not_one_of_a_withdrawal(
    here: Neighbourhood,
) -> None:
    voucher = await buy_meal(here)
    done = (await consume(here, voucher["token"], number=NUMBER)).json()
    answer = await withdraw(here, done["verification_id"], number=NUMBER)
    assert (answer.status_code, problem_code(answer)) == (422, "request_number_reused")


async def test_numbers_are_each_shops_own(here: Neighbourhood) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    coupon = await redeem(here, "resident-1", here.reward_id("coupon_10"))
    meal = await buy_meal(here)
    answers = [
        await consume(here, meal["token"], number=NUMBER),
        await consume(here, coupon["token"], shop="corner_shop", number=NUMBER),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_refused_request_leaves_its_number_free(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    refused = await consume(here, "2345-6789-ABCD", number=NUMBER)
    unknown = await ask_for(here, NUMBER)
    done = await consume(here, voucher["token"], number=NUMBER)
    assert (refused.status_code, unknown.status_code, done.status_code) == (404, 404, 200)


async def test_a_lost_answer_is_asked_for(here: Neighbourhood, clock: Clock) -> None:
    voucher = await buy_meal(here)
    done = (await consume(here, voucher["token"], number=NUMBER)).json()
    back = (await withdraw(here, done["verification_id"], number="VOID-0001")).json()
    let_pass(here, clock, days=2)
    assert (await ask_for(here, NUMBER)).json() == done
    assert (await ask_for(here, "VOID-0001")).json() == back


async def test_a_request_that_was_never_carried_out_is_unknown(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    await consume(here, voucher["token"], number=NUMBER)
    for answer in (
        await ask_for(here, "POS-2026-0002"),
        await ask_for(here, NUMBER, shop="corner_shop"),
    ):
        assert (answer.status_code, problem_code(answer)) == (404, "request_unknown")


@pytest.mark.parametrize("number", ["short", "x" * 41, "with space", "号码号码号码", "a/b/c/d"])
async def test_a_number_is_of_letters_digits_and_dashes(here: Neighbourhood, number: str) -> None:
    voucher = await buy_meal(here)
    answer = await consume(here, voucher["token"], number=number)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
async def test_the_record_lists_confirmations_and_withdrawals_newest_first(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    size: int,
) -> None:
    await here.give("resident-1", "legal_advice")
    async with sessionmaker.begin() as session:
        eggs = await make_reward(session, here, now=clock.now)
    done = []
    for _ in range(3):
        voucher = await redeem(here, "resident-1", eggs)
        done.append((await consume(here, voucher["token"])).json())
    done += [(await withdraw(here, row["verification_id"])).json() for row in done[:2]]
    await give_back(here, "resident-1", await redeem(here, "resident-1", eggs))
    clerk = await here.caller("clerk-2")
    lines: list[dict[str, Any]] = []
    query: dict[str, Any] = {"shop_id": here.shop_id("canteen"), "size": size}
    while True:
        page = (await clerk.get("/v1/merchant/verifications", **query)).json()
        lines += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert lines == [
        {
            "verification_id": row["verification_id"],
            "out_request_no": row["out_request_no"],
            "operation": row["operation"],
            "reward_name": "鸡蛋一盒",
            "points": 10,
            "at": row["at"],
        }
        for row in done[::-1]
    ]
    other = await here.caller("clerk-1")
    mine = await other.get("/v1/merchant/verifications", shop_id=here.shop_id("corner_shop"))
    assert mine.json() == {"items": [], "next_cursor": None}
