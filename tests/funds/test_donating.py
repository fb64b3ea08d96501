"""Donating: points leave the wallet whole or not at all, and stay in the fund."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.ledger.deductions.service import Deduction, deduct
from app.ledger.lapsing import jobs as lapsing
from app.privacy import jobs as privacy
from tests.funds.giving import balance_in, change, donate, fund_path, give_points, look_at
from tests.support.awards import get_terms
from tests.support.book_rows import count, figures, get_balance_row, list_lots, set_floor
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import give_back, redeem

Sessions = async_sessionmaker[AsyncSession]
ONE_MONTH = {"kind": "months", "months": 1}
# Another version of the policy, under which points unused for a year halve.
HALF_LIFE = """
    INSERT INTO point_policies (community_id, version, expiry, decay, lowest_points, notice_days,
        published_at)
    SELECT community_id, version + 1, expiry, '{"months": 12, "percent": 50}', lowest_points,
        notice_days, published_at
    FROM point_policies WHERE community_id = :community_id
"""


async def assert_nothing_moved(sessionmaker: Sessions, here: Neighbourhood) -> None:
    async with sessionmaker() as session:
        where = {"community_id": here.community_id, "kind": "donation"}
        assert await count(session, "transfers", **where) == 0
    assert (await look_at(here))["points"] == 0


async def test_a_donation_moves_points_from_the_wallet_to_the_fund(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50})

    answer = await donate(here, 20)

    assert balance_in(answer) == (30, 0, 30, 0)
    fund_id = str(here.created.funds["elder_meals"])
    told = answer.json()
    assert (told["fund_id"], told["points"], told["fund_points"]) == (fund_id, 20, 20)
    async with sessionmaker() as session:
        statement = "SELECT * FROM transfers WHERE transfer_id = :number"
        values = {"number": int(told["transfer_id"])}
        transfer = (await session.execute(text(statement), values)).one()
        resident_id = int(here.resident_id("resident-1"))
        assert (transfer.kind, transfer.points) == ("donation", 20)
        assert transfer.memo == "独居老人助餐基金"
        assert transfer.debit_account_id == resident_id
        assert transfer.credit_account_id == int(fund_id)
        assert await figures(session, here.community_id, int(fund_id)) == {
            "posted": 20, "lots_total": 20, "debt": 0, "held": 0,
        }  # fmt: skip
        wallet = await get_balance_row(session, here.community_id, resident_id)
        assert wallet.last_spent_at == clock.now
        await assert_books_balance(session, here.community_id)


async def test_a_funds_page_sums_up_what_it_was_given_and_by_how_many(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50, "resident-3": 50})
    for name, points in (("resident-1", 5), ("resident-1", 10), ("resident-3", 50)):
        assert (await donate(here, points, name=name)).status_code == 201
    page = await look_at(here)
    assert (page["points"], page["donated_points"], page["donor_count"]) == (65, 65, 2)


async def test_more_than_there_is_is_refused_whole(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50})

    answer = await donate(here, 51)

    assert (answer.status_code, problem_code(answer)) == (409, "insufficient_points")
    assert answer.json()["available_points"] == 50
    await assert_nothing_moved(sessionmaker, here)
    assert balance_in(await donate(here, 50)) == (0, 0, 0, 0)


async def test_held_points_are_not_donated(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 80})
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    refused = await donate(here, 31)
    assert refused.json()["available_points"] == 30
    assert balance_in(await donate(here, 30)) == (50, 50, 0, 0)
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_lapsed_points_are_not_donated(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 30}, expiry=ONE_MONTH)
    await give_points(sessionmaker, here, clock, {"resident-1": 20})
    clock.advance(days=40)
    here.callers.clear()
    answer = await donate(here, 21)
    assert (problem_code(answer), answer.json()["available_points"]) == ("insufficient_points", 20)


async def test_what_is_owed_is_left_aside(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    """A voucher pins 50 points while 20 are deducted; given back, only 30 are free to give."""
    await give_points(sessionmaker, here, clock, {"resident-1": 50})
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    wallet = int(here.resident_id("resident-1"))
    number = new_id(clock.now)
    async with sessionmaker.begin() as session:
        await set_floor(session, here.community_id, wallet, -100)
        terms = await get_terms(session, here, "sorted_wrongly", at=clock.now)
        deduction = Deduction(
            withdrawal_id=new_id(clock.now), deduction_id=number, account_id=wallet, points=20,
            source_kind="contribution",
            source_id=number, memo="混投", rule_version_id=terms.rule_version_id, maker_id=1,
            checker_id=2, occurred_at=clock.now,
        )  # fmt: skip
        assert await deduct(session, here.community_id, deduction, now=clock.now) == 20
    assert (await give_back(here, "resident-1", voucher)).status_code == 200

    refused = await donate(here, 31)

    assert problem_code(refused) == "insufficient_points"
    assert refused.json()["available_points"] == 30
    assert balance_in(await donate(here, 30)) == (0, 0, 0, 20)


async def test_a_closed_fund_takes_nothing_until_it_is_opened_again(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50})
    closed = await change(here, fund_path(here), state="closed")
    assert closed.json()["state"] == "closed"

    answer = await donate(here, 10)

    assert (answer.status_code, problem_code(answer)) == (409, "fund_closed")
    await assert_nothing_moved(sessionmaker, here)
    await change(here, fund_path(here), state="open")
    assert (await donate(here, 10)).status_code == 201


async def test_only_a_fund_of_ones_own_community_is_given_to(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    """Neither another community's fund, nor a neighbour's wallet, a shop or the issuer."""
    await give_points(sessionmaker, here, clock, {"resident-1": 50})
    forged = [
        str(elsewhere.created.funds["elder_meals"]), here.resident_id("resident-2"),
        here.resident_id("resident-1"), here.shop_id("canteen"), "1", "0",
    ]  # fmt: skip
    for number in forged:
        answer = await donate(here, 10, path=f"/v1/funds/{number}")
        assert (answer.status_code, problem_code(answer)) == (404, "fund_not_found")
    for number in ("-1", "x", "9" * 20):
        assert (await donate(here, 10, path=f"/v1/funds/{number}")).status_code == 422
    await assert_nothing_moved(sessionmaker, here)


@pytest.mark.parametrize(
    "points", [0, -1, 1_000_001, 2**63, 2**200, 1.5, 2.0, "20", True, None, [20]], ids=str
)
async def test_points_that_are_no_number_of_points_are_refused(
    points: object, here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50})
    assert (await donate(here, points)).status_code == 422
    await assert_nothing_moved(sessionmaker, here)


async def test_a_donation_repeated_with_its_key_is_made_once(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await give_points(sessionmaker, here, clock, {"resident-1": 50})
    key = fresh_key()

    first, again = await donate(here, 20, key=key), await donate(here, 20, key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await look_at(here))["points"] == 20
    assert problem_code(await donate(here, 30, key=key)) == "idempotency_key_reused"


async def test_a_donation_without_a_key_is_refused(here: Neighbourhood) -> None:
    donor = await here.caller("resident-1")
    answer = await donor.post(f"{fund_path(here)}/donations", {"points": 1})
    assert (answer.status_code, problem_code(answer)) == (422, "idempotency_key_missing")


@pytest.mark.parametrize("name", ["worker-1", "clerk-1", "committee-1"])
async def test_staff_do_not_donate(here: Neighbourhood, name: str) -> None:
    answer = await donate(here, 1, name=name)
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_the_points_of_a_fund_neither_lapse_nor_lose_value(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    """Given by whoever would have lost them, they outlive expiry, decay and the donor's account."""
    await give_points(sessionmaker, here, clock, {"resident-1": 50}, expiry=ONE_MONTH)
    await give_points(sessionmaker, here, clock, {"resident-2": 40})
    assert (await donate(here, 30)).status_code == 201
    async with sessionmaker.begin() as session:
        await session.execute(text(HALF_LIFE), {"community_id": here.community_id})

    clock.advance(days=800)
    await lapsing.expire_points(sessionmaker, now=clock())
    await lapsing.decay_points(sessionmaker, now=clock())
    here.callers.clear()
    leaving = await here.caller("resident-1")
    assert (await leaving.post("/v1/me/closure")).status_code == 201
    assert await privacy.close_accounts(sessionmaker, now=clock() + timedelta(days=8)) == 1

    fund_id = here.created.funds["elder_meals"]
    async with sessionmaker() as session:
        assert await figures(session, here.community_id, fund_id) == {
            "posted": 30, "lots_total": 30, "debt": 0, "held": 0,
        }  # fmt: skip
        assert [*(await list_lots(session, here.community_id, fund_id)).values()] == [(30, 0)]
        for name, left in (("resident-1", 0), ("resident-2", 20)):
            wallet = int(here.resident_id(name))
            assert (await figures(session, here.community_id, wallet))["posted"] == left
        await assert_books_balance(session, here.community_id)
    assert (await look_at(here))["donor_count"] == 1
