"""The balance: what is free, saved, and lapses next, in whatever state lots are."""

from typing import Any

from tests.ledger.savings.bank import NEVER, ONE_MONTH, THREE_MONTHS, Bank

BALANCE = "/v1/me/balance"


async def next_lapse(bank: Bank, name: str = "resident-1") -> Any:
    return (await bank.get(name, BALANCE))["next_lapse"]


async def test_points_without_a_date_never_lapse(bank: Bank) -> None:
    assert await next_lapse(bank) is None
    await bank.give("resident-1", 20, NEVER)
    assert await next_lapse(bank) is None


async def test_what_lapses_first_is_the_sum_of_that_date(bank: Bank) -> None:
    await bank.give("resident-1", 20, THREE_MONTHS)
    await bank.give("resident-1", 5, ONE_MONTH)
    await bank.give("resident-1", 7, ONE_MONTH)
    await bank.give("resident-1", 9, NEVER)

    assert await next_lapse(bank) == {"points": 12, "lapses_at": "2026-12-18T16:00:00Z"}
    assert await next_lapse(bank, "resident-2") is None
    home = await bank.get("resident-1", "/v1/me/home")
    assert home["balance"] == await bank.get("resident-1", BALANCE)


async def test_points_that_a_voucher_holds_do_not_lapse_next(bank: Bank) -> None:
    await bank.give("resident-1", 45, ONE_MONTH)
    await bank.give("resident-1", 20, THREE_MONTHS)
    resident = await bank.here.caller("resident-1")
    meal = bank.here.reward_id("canteen_meal")

    assert (await resident.post_once(f"/v1/rewards/{meal}/redeem")).status_code == 201

    assert await next_lapse(bank) == {"points": 15, "lapses_at": "2027-02-18T16:00:00Z"}


async def test_lapsed_points_are_neither_free_nor_next_before_the_job_has_run(bank: Bank) -> None:
    await bank.give("resident-1", 5, ONE_MONTH)
    await bank.give("resident-1", 20, THREE_MONTHS)
    await bank.save("resident-1", 3)
    bank.clock.advance(days=40)
    bank.here.callers.clear()

    assert await bank.figures("resident-1") == (20, 3, 0)
    assert await next_lapse(bank) == {"points": 20, "lapses_at": "2027-02-18T16:00:00Z"}
    bank.clock.advance(days=60)
    bank.here.callers.clear()
    assert await bank.figures("resident-1") == (0, 3, 0)
    assert await next_lapse(bank) is None


async def test_saved_points_are_shown_beside_the_wallet_to_their_owner_only(bank: Bank) -> None:
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 50)

    read = await bank.get("resident-1", BALANCE)

    assert read == {
        "posted_points": 0, "held_points": 0, "available_points": 0, "debt_points": 0,
        "savings_points": 50, "next_lapse": None,
    }  # fmt: skip
    assert (await bank.get("resident-2", BALANCE))["savings_points"] == 0
