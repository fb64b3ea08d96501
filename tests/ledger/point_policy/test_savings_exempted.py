"""What a new policy means for points that lie in the bank."""

from datetime import UTC, datetime

import pytest

from tests.support.policies import SIX_MONTHS, Town

HALF_A_YEAR_ON = "2027-05-18 23:59"


async def saved_by(town: Town, name: str) -> int:
    """Let somebody save 10 points; return the lot they lie in."""
    saver = await town.caller(name)
    answer = await saver.post_once("/v1/me/savings/deposits", {"points": 10})
    assert answer.status_code == 201, answer.text
    found: int = await town.ask(
        """SELECT lot_id FROM lots JOIN accounts USING (community_id, account_id)
        WHERE community_id = :community AND kind = 'savings' AND owner_id = :owner""",
        owner=town.number_of(name),
    )
    return found


@pytest.mark.parametrize(("is_exempt", "lapse"), [(True, "never"), (False, HALF_A_YEAR_ON)])
async def test_savings_get_a_date_unless_they_are_exempt(
    town: Town, *, is_exempt: bool, lapse: str
) -> None:
    savings = {"is_exempt": is_exempt}
    await town.sets(savings=savings)
    await town.earns("resident-1", 30)
    saved = await saved_by(town, "resident-1")

    await town.sets(expiry=SIX_MONTHS, savings=savings)

    assert await town.lapse_of(saved) == lapse


async def test_savings_that_lose_their_exemption_get_a_full_period(town: Town) -> None:
    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": True})
    await town.earns("resident-1", 30)
    saved = await saved_by(town, "resident-1")
    assert await town.lapse_of(saved) == "never"
    await town.until(datetime(2027, 3, 1, 7, tzinfo=UTC))

    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": False})

    assert await town.lapse_of(saved) == "2027-09-01 23:59"


async def test_savings_that_are_exempt_again_keep_no_date(town: Town) -> None:
    """Whoever reads that saved points do not lapse need not take them out and put them in again."""
    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": False})
    await town.earns("resident-1", 10)
    saved = await saved_by(town, "resident-1")
    assert await town.lapse_of(saved) == HALF_A_YEAR_ON

    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": True})

    assert await town.lapse_of(saved) == "never"
    await town.until(datetime(2027, 6, 1, 7, tzinfo=UTC))
    await town.runs("expire_points")
    assert (await town.read("resident-1", "/v1/me/savings"))["points"] == 10
    await town.audit()


async def test_savings_that_have_lapsed_do_not_come_back_with_an_exemption(town: Town) -> None:
    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": False})
    await town.earns("resident-1", 10)
    await saved_by(town, "resident-1")
    await town.until(datetime(2027, 5, 18, 16, 0, tzinfo=UTC))

    await town.sets(expiry=SIX_MONTHS, savings={"is_exempt": True})

    assert (await town.read("resident-1", "/v1/me/savings"))["points"] == 0
