"""A shop takes a confirmation back, while it may."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.book_rows import count, figures, list_lots
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, redeem, withdraw


async def use_meal(here: Neighbourhood) -> tuple[dict[str, Any], str]:
    """Let the canteen confirm a voucher; return it and the confirmation's number."""
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    answer = await consume(here, voucher["token"])
    assert answer.status_code == 200, answer.text
    return voucher, answer.json()["verification_id"]


async def test_a_confirmation_taken_back_holds_the_points_again(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    voucher, verification_id = await use_meal(here)

    answer = await withdraw(here, verification_id, number="VOID-00001")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["operation"], told["out_request_no"]) == ("cancel", "VOID-00001")
    assert told["verification_id"] != verification_id
    assert (told["voucher"]["state"], told["voucher"]["voucher_id"]) == (
        "issued", voucher["voucher_id"],
    )  # fmt: skip
    resident = await here.caller("resident-1")
    assert (await resident.get(f"/v1/me/vouchers/{voucher['voucher_id']}")).json() == voucher
    async with sessionmaker() as session:
        resident_id = int(here.resident_id("resident-1"))
        assert await figures(session, here.community_id, resident_id) == {
            "posted": 50, "lots_total": 50, "debt": 0, "held": 50,
        }  # fmt: skip
        lots = await list_lots(session, here.community_id, resident_id)
        assert list(lots.values()) == [(50, 50)]
        await assert_books_balance(session, here.community_id)


async def test_a_voucher_is_confirmed_taken_back_and_confirmed_again(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    voucher, verification_id = await use_meal(here)
    for _ in range(2):
        assert (await withdraw(here, verification_id)).status_code == 200
        answer = await consume(here, voucher["token"])
        assert answer.status_code == 200
        verification_id = answer.json()["verification_id"]

    async with sessionmaker() as session:
        for leg in (1, 2, 3):
            assert await count(session, "transfers", source_kind="hold", leg=leg) == 1
        assert await count(session, "transfers", kind="reversal") == 2
        await assert_books_balance(session, here.community_id)


async def test_a_voucher_taken_back_can_be_given_back(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    voucher, verification_id = await use_meal(here)
    await withdraw(here, verification_id)
    assert (await give_back(here, "resident-1", voucher)).status_code == 200
    again = await withdraw(here, verification_id)
    assert (again.status_code, problem_code(again)) == (409, "verification_cancelled")
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (1800, 200), (1801, 409)])
async def test_a_confirmation_is_taken_back_within_thirty_minutes(
    here: Neighbourhood, clock: Clock, seconds: int, status: int
) -> None:
    _, verification_id = await use_meal(here)
    let_pass(here, clock, seconds=seconds)
    answer = await withdraw(here, verification_id)
    assert answer.status_code == status
    if status == 409:
        assert problem_code(answer) == "void_window_closed"
        assert answer.json()["void_minutes"] == 30


async def test_a_confirmation_is_taken_back_once(here: Neighbourhood) -> None:
    _, verification_id = await use_meal(here)
    await withdraw(here, verification_id)
    answer = await withdraw(here, verification_id)
    assert (answer.status_code, problem_code(answer)) == (409, "verification_cancelled")


async def test_a_first_confirmation_taken_back_cannot_undo_a_later_one(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    for _ in range(4):
        await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("parking_10_hours"))
    first = (await consume(here, voucher["token"], shop="corner_shop")).json()
    await withdraw(here, first["verification_id"], shop="corner_shop")
    assert (await consume(here, voucher["token"], shop="canteen")).status_code == 200

    answer = await withdraw(here, first["verification_id"], shop="corner_shop")

    assert (answer.status_code, problem_code(answer)) == (409, "verification_cancelled")
    resident = await here.caller("resident-1")
    told = (await resident.get(f"/v1/me/vouchers/{voucher['voucher_id']}")).json()
    assert told["state"] == "used"
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_a_confirmation_of_another_shop_is_not_found(here: Neighbourhood) -> None:
    _, verification_id = await use_meal(here)
    for number in (verification_id, "1"):
        answer = await withdraw(here, number, shop="corner_shop")
        assert (answer.status_code, problem_code(answer)) == (404, "verification_not_found")


async def test_a_withdrawal_is_not_itself_taken_back(here: Neighbourhood) -> None:
    _, verification_id = await use_meal(here)
    withdrawal = (await withdraw(here, verification_id)).json()["verification_id"]
    answer = await withdraw(here, withdrawal)
    assert (answer.status_code, problem_code(answer)) == (404, "verification_not_found")


async def test_spending_and_taking_back_leave_the_board_alone(here: Neighbourhood) -> None:
    _, verification_id = await use_meal(here)
    await withdraw(here, verification_id)
    resident = await here.caller("resident-1")
    place = (await resident.get("/v1/me/rank", period="all")).json()
    assert (place["points"], place["rank"]) == (50, 1)
