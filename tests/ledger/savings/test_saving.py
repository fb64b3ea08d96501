"""Putting points aside and taking them out, through HTTP: what it says, and what it refuses."""

from typing import Any

import pytest

from tests.ledger.savings.bank import DEPOSITS, NOT_EXEMPT, ONE_MONTH, WITHDRAWALS, Bank
from tests.support.caller import problem_code


async def test_what_is_saved_leaves_the_wallet_and_comes_back(bank: Bank) -> None:
    await bank.give("resident-1", 50)

    saved = await bank.save("resident-1", 30)

    assert (saved["points"], saved["balance"]["posted_points"]) == (30, 20)
    assert await bank.figures("resident-1") == (20, 30, 0)
    withdrawn = await bank.withdraw("resident-1", 10)
    assert withdrawn["balance"]["savings_points"] == 20
    assert await bank.figures("resident-1") == (30, 20, 0)
    lines = (await bank.get("resident-1", "/v1/me/statement"))["items"]
    assert [(line["kind"], line["points"], line["memo"]) for line in lines[:2]] == [
        ("withdrawal", 10, "从积分银行转出"), ("saving", -30, "存入积分银行"),
    ]  # fmt: skip
    assert [line["transfer_id"] for line in lines[:2]] == [
        withdrawn["transfer_id"], saved["transfer_id"],
    ]  # fmt: skip
    await bank.audit()


async def test_the_bank_says_what_is_saved_and_by_which_terms(bank: Bank) -> None:
    terms = {"is_on": True, "is_exempt": True, "withdrawal_days": 30, "next_lapse": None}
    nothing = {"points": 0, "opened_at": None}
    assert await bank.get("resident-1", "/v1/me/savings") == nothing | terms
    await bank.give("resident-1", 50, ONE_MONTH)

    await bank.save("resident-1", 20)
    await bank.save("resident-1", 5)

    read = await bank.get("resident-1", "/v1/me/savings")
    assert read == {"points": 25, "opened_at": "2026-11-18T07:00:00Z"} | terms


async def test_a_bank_that_exempts_nothing_says_what_lapses_first(bank: Bank) -> None:
    await bank.set_policy(savings=NOT_EXEMPT)
    await bank.give("resident-1", 50, ONE_MONTH)

    await bank.save("resident-1", 20)

    read = await bank.get("resident-1", "/v1/me/savings")
    assert (read["is_exempt"], read["next_lapse"]) == (
        False, {"points": 20, "lapses_at": "2026-12-18T16:00:00Z"},
    )  # fmt: skip


async def test_no_more_is_saved_than_is_free(bank: Bank) -> None:
    await bank.give("resident-1", 60)
    meal = bank.here.reward_id("canteen_meal")
    resident = await bank.here.caller("resident-1")
    assert (await resident.post_once(f"/v1/rewards/{meal}/redeem")).status_code == 201

    answer = await bank.move("resident-1", DEPOSITS, 11)

    assert problem_code(answer) == "insufficient_points"
    assert (answer.json()["available_points"], answer.json()["needed_points"]) == (10, 11)
    assert await bank.figures("resident-1") == (10, 0, 0)
    assert (await bank.get("resident-1", "/v1/me/savings"))["opened_at"] is None
    await bank.save("resident-1", 10)
    assert (await bank.get("resident-1", "/v1/me/balance"))["held_points"] == 50
    await bank.audit()


async def test_no_more_is_withdrawn_than_is_saved(bank: Bank) -> None:
    await bank.give("resident-1", 50)
    never_saved = await bank.move("resident-1", WITHDRAWALS, 1)
    assert problem_code(never_saved) == "insufficient_points"
    await bank.save("resident-1", 20)

    answer = await bank.move("resident-1", WITHDRAWALS, 21)

    assert problem_code(answer) == "insufficient_points"
    assert (answer.json()["available_points"], answer.json()["needed_points"]) == (20, 21)
    assert await bank.figures("resident-1") == (30, 20, 0)


async def test_a_bank_that_is_off_takes_nothing_and_gives_everything_back(bank: Bank) -> None:
    await bank.give("resident-1", 50)
    await bank.save("resident-1", 20)
    await bank.set_policy(savings=None)

    refused = await bank.move("resident-1", DEPOSITS, 1)
    assert (refused.status_code, problem_code(refused)) == (409, "savings_off")
    stranger = await bank.move("resident-2", WITHDRAWALS, 1)
    assert problem_code(stranger) == "savings_off"
    assert (await bank.get("resident-1", "/v1/me/savings"))["is_on"] is False

    await bank.withdraw("resident-1", 20)
    assert await bank.figures("resident-1") == (50, 0, 0)
    await bank.audit()


@pytest.mark.parametrize("path", [DEPOSITS, WITHDRAWALS])
@pytest.mark.parametrize("points", [0, -1, 1_000_001, 2**63, 1.5, "5", True, None], ids=repr)
async def test_only_a_whole_number_of_points_is_moved(bank: Bank, path: str, points: Any) -> None:
    await bank.give("resident-1", 50)
    await bank.save("resident-1", 20)

    answer = await bank.move("resident-1", path, points)

    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
    assert await bank.figures("resident-1") == (30, 20, 0)


@pytest.mark.parametrize(("path", "left"), [(DEPOSITS, (20, 30, 0)), (WITHDRAWALS, (40, 10, 0))])
async def test_a_move_asked_for_twice_happens_once(
    bank: Bank, path: str, left: tuple[int, int, int]
) -> None:
    await bank.give("resident-1", 50)
    await bank.save("resident-1", 20)

    first = await bank.move("resident-1", path, 10, key="the-same")
    again = await bank.move("resident-1", path, 10, key="the-same")
    other = await bank.move("resident-1", path, 11, key="the-same")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (other.status_code, problem_code(other)) == (422, "idempotency_key_reused")
    assert await bank.figures("resident-1") == left


@pytest.mark.parametrize("path", [DEPOSITS, WITHDRAWALS])
async def test_a_move_without_a_key_is_refused(bank: Bank, path: str) -> None:
    resident = await bank.here.caller("resident-1")
    answer = await resident.post(path, {"points": 1})
    assert problem_code(answer) == "idempotency_key_missing"


async def test_those_who_are_no_residents_have_no_bank(bank: Bank) -> None:
    for name in ("worker-1", "clerk-1", "committee-1"):
        answer = await bank.move(name, DEPOSITS, 1)
        assert answer.status_code == 403, answer.text
