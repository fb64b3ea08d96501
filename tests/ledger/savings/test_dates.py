"""Dates of saved points: exempt ones stop, and what is withdrawn gets a fair one back."""

import pytest

from tests.ledger.savings.bank import (
    EXEMPT,
    FOREVER,
    NEVER,
    NOT_EXEMPT,
    ONE_MONTH,
    THREE_MONTHS,
    Bank,
    midnight_after,
)


async def test_saved_points_outlive_those_that_were_not(bank: Bank) -> None:
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 20)
    assert await bank.lots("resident-1", "savings") == [(20, FOREVER)]

    await bank.let_pass(days=40)

    assert await bank.figures("resident-1") == (0, 20, 0)
    assert await bank.lots("resident-1") == []
    await bank.audit()


async def test_points_withdrawn_early_get_their_own_date_back(bank: Bank) -> None:
    await bank.give("resident-1", 50, THREE_MONTHS)
    await bank.save("resident-1", 20)

    await bank.withdraw("resident-1", 20)

    assert await bank.lots("resident-1") == [
        (20, midnight_after(2027, 2, 18)), (30, midnight_after(2027, 2, 18)),
    ]  # fmt: skip
    assert (await bank.get("resident-1", "/v1/me/balance"))["next_lapse"] == {
        "points": 50, "lapses_at": "2027-02-18T16:00:00Z",
    }  # fmt: skip
    await bank.let_pass(days=93)
    assert await bank.figures("resident-1") == (0, 0, 0)
    await bank.audit()


@pytest.mark.parametrize("days", [25, 40], ids=["date is nearer", "date is past"])
async def test_points_withdrawn_late_get_thirty_days(bank: Bank, days: int) -> None:
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 50)
    await bank.let_pass(days=days)

    await bank.withdraw("resident-1", 20)

    last_day = midnight_after(2027, 1, 12) if days == 25 else midnight_after(2027, 1, 27)
    assert await bank.lots("resident-1") == [(20, last_day)]
    await bank.let_pass(days=30)
    assert await bank.figures("resident-1") == (20, 30, 0)
    await bank.let_pass(days=1)
    assert await bank.figures("resident-1") == (0, 30, 0)
    await bank.audit()


async def test_saved_again_points_still_know_their_own_date(bank: Bank) -> None:
    await bank.give("resident-1", 50, THREE_MONTHS)
    for _ in range(3):
        await bank.save("resident-1", 50)
        await bank.withdraw("resident-1", 50)

    assert await bank.lots("resident-1") == [(50, midnight_after(2027, 2, 18))]
    await bank.audit()


async def test_points_that_never_lapse_never_do_afterwards_either(bank: Bank) -> None:
    await bank.give("resident-1", 50, NEVER)
    await bank.save("resident-1", 50)
    await bank.set_policy(expiry=ONE_MONTH, expiry_since=bank.clock.now)

    await bank.withdraw("resident-1", 50)

    assert await bank.lots("resident-1") == [(50, FOREVER)]


async def test_points_without_a_date_follow_a_policy_that_came_while_they_were_saved(
    bank: Bank,
) -> None:
    await bank.give("resident-1", 50, None)
    await bank.save("resident-1", 50)
    await bank.set_policy(expiry=THREE_MONTHS, expiry_since=bank.clock.now)
    await bank.let_pass(days=30)

    await bank.withdraw("resident-1", 20)

    assert await bank.lots("resident-1") == [(20, midnight_after(2027, 3, 18))]
    assert await bank.lots("resident-1", "savings") == [(30, FOREVER)]
    await bank.audit()


async def test_points_withdrawn_soon_after_an_expiry_was_switched_on_last_its_first_period(
    bank: Bank,
) -> None:
    await bank.give("resident-1", 50, None)
    await bank.save("resident-1", 50)
    await bank.set_policy(expiry={"kind": "year_end", "grace_days": 0}, expiry_since=bank.clock.now)
    await bank.let_pass(days=30)

    await bank.withdraw("resident-1", 50)

    # Switched on in November 2026: the first year that ends for anybody is 2027.
    assert await bank.lots("resident-1") == [(50, midnight_after(2027, 12, 31))]


async def test_points_that_follow_the_policy_get_the_date_back_that_it_gave_them(
    bank: Bank,
) -> None:
    await bank.set_policy(expiry=THREE_MONTHS)
    await bank.give("resident-1", 50, None)
    await bank.save("resident-1", 50)
    await bank.let_pass(days=30)

    await bank.withdraw("resident-1", 50)

    assert await bank.lots("resident-1") == [(50, midnight_after(2027, 2, 18))]


async def test_a_bank_that_exempts_nothing_lets_points_lapse_on_their_date(bank: Bank) -> None:
    await bank.set_policy(savings=NOT_EXEMPT)
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 20)
    assert await bank.lots("resident-1", "savings") == [(20, midnight_after(2026, 12, 18))]
    bank.clock.advance(days=30, hours=10)
    bank.here.callers.clear()

    # The date has passed, the nightly job has not come by.
    assert await bank.figures("resident-1") == (0, 0, 0)
    assert (await bank.get("resident-1", "/v1/me/savings"))["points"] == 0
    refused = await bank.move("resident-1", "/v1/me/savings/withdrawals", 1)

    assert refused.json()["available_points"] == 0
    await bank.let_pass(hours=1)
    assert await bank.lots("resident-1", "savings") == []
    await bank.audit()


async def test_a_date_that_was_kept_in_the_bank_comes_out_unchanged(bank: Bank) -> None:
    await bank.set_policy(savings=NOT_EXEMPT)
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 50)
    await bank.let_pass(days=25)

    await bank.withdraw("resident-1", 50)

    assert await bank.lots("resident-1") == [(50, midnight_after(2026, 12, 18))]


async def test_what_was_saved_without_exemption_lapses_first_when_withdrawn(bank: Bank) -> None:
    await bank.give("resident-1", 20, THREE_MONTHS)
    await bank.save("resident-1", 20)
    await bank.set_policy(savings=NOT_EXEMPT)
    await bank.give("resident-1", 30, ONE_MONTH)
    await bank.save("resident-1", 30)
    await bank.set_policy(savings=EXEMPT)

    await bank.withdraw("resident-1", 40)

    assert await bank.lots("resident-1") == [
        (30, midnight_after(2026, 12, 18)), (10, midnight_after(2027, 2, 18)),
    ]  # fmt: skip
    assert await bank.figures("resident-1") == (40, 10, 0)
    await bank.audit()
