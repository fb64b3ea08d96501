"""The auditor of the tests itself: quiet over sound books, loud over every planted change."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.lapsing import service as lapsing
from app.ledger.models import TransferKind
from app.rewards.jobs import expire_vouchers
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import capture, give, move_one, open_fund, open_savings, spend
from tests.ledger.dealings import give_back as return_points
from tests.ledger.plants import PLANTS
from tests.support.awards import NEVER
from tests.support.book_arithmetic import read_books
from tests.support.book_rows import set_floor
from tests.support.books import CHECKS, assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, redeem, withdraw

HOLD = 900_000


async def live(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    """Leave a row of every kind behind: each state of a hold, debt, a cap, lapsed vouchers."""
    meal = here.reward_id("canteen_meal")
    for rule, units in (("volunteer_hour", 7), ("volunteer_hour", 3), ("legal_advice", 1)):
        await here.give("resident-1", rule, units=units)
    for rule in ("legal_advice", "legal_advice"):
        await here.give("resident-2", rule)
    await redeem(here, "resident-2", meal)
    let_pass(here, clock, days=31)
    await expire_vouchers(sessionmaker, now=clock.now)

    voucher = await redeem(here, "resident-1", meal)
    consumed = await consume(here, voucher["typed_code"])
    await withdraw(here, consumed.json()["verification_id"])
    assert (await consume(here, voucher["typed_code"])).status_code == 200
    back = await redeem(here, "resident-1", meal)
    assert (await give_back(here, "resident-1", back)).status_code == 200
    await redeem(here, "resident-1", meal)
    await owe_and_check_in(here, sessionmaker, clock)
    await move_by_every_kind(here, sessionmaker, clock)


async def owe_and_check_in(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        resident_id = int(here.resident_id("resident-3"))
        await set_floor(session, here.community_id, resident_id, -30)
    await here.give("resident-3", "survey")
    for _ in range(2):
        await here.fine("resident-3", units=4)
    await here.give("resident-3", "mediation")
    activity = await here.announce(clock.now)
    token = await here.poster(activity)
    for name in ("resident-1", "resident-4"):
        resident = await here.caller(name)
        assert (await resident.post("/v1/me/check-ins", {"code": token})).status_code == 201
        assert (await resident.post("/v1/me/daily-check-in")).status_code == 201


async def move_by_every_kind(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    """Save, withdraw, give, donate, capture and give back a part, halve, undo a part by hand."""
    fine = await here.fine("resident-3", units=1)
    award = await here.give("resident-4", "mediation")
    for posting in (fine, award):
        reversal = {"kind": "reversal", "transfer_id": posting["transfer_id"], "points": 2}
        await here.post_by_hand(reversal | {"is_our_fault": True, "reason": "记错了"})
    async with sessionmaker.begin() as session:
        one, other = (int(here.resident_id(f"resident-{number}")) for number in (5, 6))
        crowd = Crowd(session, here, [one, other], clock.now)
        for points in (40, 20, 60):
            await give(crowd, one, points, NEVER)
        bank, fund = await open_savings(crowd, one), await open_fund(crowd)
        await move_one(crowd, TransferKind.SAVING, (one, bank, 30))
        await move_one(crowd, TransferKind.WITHDRAWAL, (bank, one, 10))
        await move_one(crowd, TransferKind.GIFT, (one, other, 15))
        await move_one(crowd, TransferKind.DONATION, (other, fund, 5))
        await return_points(crowd, await spend(crowd, one, 45), one, 30)
        await crowd.place_holds([(HOLD, one, 20)])
        await capture(crowd, HOLD, one, 12)
        decay = lapsing.Decay(here.community_id, 50, None, clock.now)
        await lapsing.decay_points(session, decay, after=0, now=clock.now)


async def test_books_balance_after_every_kind_of_dealing(
    here: Neighbourhood,
    elsewhere: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> None:
    await elsewhere.give("resident-1", "survey")
    await live(here, sessionmaker, clock)

    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)
        await assert_books_balance(session, elsewhere.community_id)


async def test_books_of_an_unknown_community_are_not_called_balanced(
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    async with sessionmaker() as session:
        with pytest.raises(AssertionError, match="there is no community 77"):
            await assert_books_balance(session, 77)


async def test_every_planted_change_is_named(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    await live(here, sessionmaker, clock)
    async with sessionmaker() as session:
        for plant in PLANTS:
            planted = await session.begin_nested()
            await session.execute(text(plant.sql), {"id": here.community_id})
            where = f"^community {here.community_id}, {plant.check}: .*{plant.tells}"
            with pytest.raises(AssertionError, match=where):
                await assert_books_balance(session, here.community_id)
            await planted.rollback()
        await assert_books_balance(session, here.community_id)


# The database itself ties these figures together, so they are changed on their way to the checks.
FIGURES = {
    "posted": "posted points follow transfers",
    "lots_total": "lots total is the sum of lots",
    "debt": "debt is what deductions lacked",
    "held": "held points are those of open holds",
    "floor": "nobody is below the floor",
}


@pytest.mark.parametrize("figure", FIGURES)
async def test_each_figure_of_a_balance_is_recomputed(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    figure: str,
) -> None:
    await here.give("resident-1", "survey")
    async with sessionmaker() as session:
        books = await read_books(session, here.community_id)
    assert not [list(check(books)) for check in CHECKS if any(check(books))]
    columns = dict(books.balances[0]._mapping)  # noqa: SLF001 - it is public
    columns[figure] += 1 if figure != "floor" else 1_000
    wrong: Any = SimpleNamespace(**columns)

    planted = replace(books, balances=[wrong, *books.balances[1:]])

    speak = [check.__name__.replace("_", " ") for check in CHECKS if any(check(planted))]
    assert FIGURES[figure] in speak


def test_every_check_has_a_plant_that_makes_it_speak() -> None:
    planted = {plant.check for plant in PLANTS} | set(FIGURES.values())
    assert {check.__name__.replace("_", " ") for check in CHECKS} == planted
