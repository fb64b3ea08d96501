"""Nobody escapes a deduction by saving in time, and nobody escapes a debt."""

from sqlalchemy import text

from tests.ledger.savings.bank import DEPOSITS, FOREVER, ONE_MONTH, THREE_MONTHS, Bank
from tests.support.book_rows import set_floor
from tests.support.caller import problem_code


async def set_lowest(bank: Bank, name: str, points: int) -> None:
    async with bank.sessionmaker.begin() as session:
        owner = int(bank.here.resident_id(name))
        await set_floor(session, bank.here.community_id, owner, points)


async def test_a_deduction_reaches_into_savings_for_what_the_wallet_lacks(bank: Bank) -> None:
    await bank.give("resident-1", 50)
    await bank.save("resident-1", 40)

    assert await bank.fine("resident-1", 25) == 25

    assert await bank.figures("resident-1") == (0, 25, 0)
    lines = (await bank.get("resident-1", "/v1/me/statement"))["items"]
    assert {(line["kind"], line["points"]) for line in lines} == {
        ("award", 50), ("saving", -40), ("withdrawal", 15), ("deduction", -25),
    }  # fmt: skip
    await bank.audit()


async def test_the_wallet_comes_first_and_savings_stay_as_they_are(bank: Bank) -> None:
    await bank.give("resident-1", 50)
    await bank.save("resident-1", 20)

    assert await bank.fine("resident-1", 30) == 30

    assert await bank.figures("resident-1") == (0, 20, 0)
    assert await bank.lots("resident-1", "savings") == [(20, FOREVER)]


async def test_saved_points_are_taken_though_their_own_date_is_past(bank: Bank) -> None:
    await bank.give("resident-1", 50, ONE_MONTH)
    await bank.save("resident-1", 50)
    await bank.let_pass(days=40)

    assert await bank.fine("resident-1", 20) == 20

    assert await bank.figures("resident-1") == (0, 30, 0)
    await bank.audit()


async def test_debt_begins_where_savings_end(bank: Bank) -> None:
    await set_lowest(bank, "resident-1", -100)
    await bank.give("resident-1", 50, THREE_MONTHS)
    await bank.save("resident-1", 50)

    assert await bank.fine("resident-1", 70) == 70

    assert await bank.figures("resident-1") == (0, 0, 20)
    await bank.audit()


async def test_what_is_owed_cannot_be_saved(bank: Bank) -> None:
    await bank.give("resident-1", 30)
    await set_lowest(bank, "resident-1", -100)
    await redeem_all(bank)
    await bank.fine("resident-1", 20)
    await give_back(bank)

    answer = await bank.move("resident-1", DEPOSITS, 11)

    assert problem_code(answer) == "insufficient_points"
    assert answer.json()["available_points"] == 10
    await bank.save("resident-1", 10)
    assert await bank.figures("resident-1") == (0, 10, 20)
    await bank.audit()


async def redeem_all(bank: Bank) -> None:
    """Let resident-1 redeem everything, so that a fine finds nothing."""
    async with bank.sessionmaker.begin() as session:
        statement = "UPDATE rewards SET price_points = 30 WHERE code = 'canteen_meal'"
        await session.execute(text(statement))
    resident = await bank.here.caller("resident-1")
    meal = bank.here.reward_id("canteen_meal")
    assert (await resident.post_once(f"/v1/rewards/{meal}/redeem")).status_code == 201


async def give_back(bank: Bank) -> None:
    resident = await bank.here.caller("resident-1")
    (voucher,) = (await bank.get("resident-1", "/v1/me/vouchers"))["items"]
    answer = await resident.post_once(f"/v1/me/vouchers/{voucher['voucher_id']}/cancel")
    assert answer.status_code == 200, answer.text
