"""The end of an account is the end of its savings, too."""

from app.ledger.models import TransferKind
from tests.privacy.office import Office
from tests.privacy.purse import fill, move, save
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import redeem

FIGURES = "SELECT posted, lots_total, held, debt FROM balances WHERE account_id = :number"


async def test_savings_lapse_with_the_account(office: Office, here: Neighbourhood) -> None:
    await fill(office, 50)
    savings = await save(office, 30)
    await office.assert_books_balance()

    await office.close()

    await office.assert_books_balance()
    wallet = int(here.resident_id("resident-1"))
    for number in (wallet, savings):
        assert set((await office.row(FIGURES, number=number)).values()) == {0}
    lapsed = await office.rows(
        "SELECT debit_account_id, points, memo, source_kind FROM transfers WHERE kind = 'expiry'"
    )
    assert {row["debit_account_id"]: row["points"] for row in lapsed} == {wallet: 20, savings: 30}
    assert {(row["memo"], row["source_kind"]) for row in lapsed} == {("注销清零", "closure")}


async def test_vouchers_and_savings_end_together(office: Office, here: Neighbourhood) -> None:
    await fill(office, 80)
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    savings = await save(office, 30)
    await office.close()
    await office.assert_books_balance()
    for number in (int(here.resident_id("resident-1")), savings):
        assert set((await office.row(FIGURES, number=number)).values()) == {0}


async def test_points_that_come_to_the_savings_of_a_closed_account_lapse_too(
    office: Office, here: Neighbourhood
) -> None:
    await fill(office, 10)
    savings = await save(office, 5)
    await office.close()
    # A neighbour's points stand for what may be given back to it later.
    await fill(office, 40, "resident-2")
    neighbour = int(here.resident_id("resident-2"))
    await move(office, TransferKind.SAVING, 15, from_account=neighbour, to_account=savings)

    assert await office.close_accounts() == 0

    assert set((await office.row(FIGURES, number=savings)).values()) == {0}
    assert (await office.row(FIGURES, number=neighbour))["posted"] == 25
    swept = "SELECT points FROM transfers WHERE kind = 'expiry' ORDER BY transfer_id DESC LIMIT 1"
    assert (await office.row(swept))["points"] == 15
    await office.close_accounts()
    assert len(await office.rows("SELECT 1 FROM transfers WHERE kind = 'expiry'")) == 3


async def test_the_savings_of_others_stay(office: Office) -> None:
    await fill(office, 50, "resident-2")
    savings = await save(office, 30, "resident-2")
    await office.close("resident-1")
    assert (await office.row(FIGURES, number=savings))["posted"] == 30
    await office.assert_books_balance()
