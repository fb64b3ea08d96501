"""The auditor of the tests itself: quiet over sound books, loud over every planted change."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rewards.jobs import expire_vouchers
from tests.support.book_arithmetic import read_books
from tests.support.book_rows import set_floor
from tests.support.books import CHECKS, assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, redeem, withdraw


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

    async with sessionmaker.begin() as session:
        resident_id = int(here.resident_id("resident-3"))
        await set_floor(session, here.community_id, resident_id, -30)
    await here.give("resident-3", "survey")
    for _ in range(2):
        await take(here, "resident-3", units=4)
    await here.give("resident-3", "mediation")
    activity = await here.announce(clock.now)
    token = await here.poster(activity)
    for name in ("resident-1", "resident-4"):
        resident = await here.caller(name)
        assert (await resident.post("/v1/me/check-ins", {"code": token})).status_code == 201
        assert (await resident.post("/v1/me/daily-check-in")).status_code == 201


async def take(here: Neighbourhood, name: str, *, units: int) -> None:
    """Let the committee take 5 points a unit."""
    committee = await here.caller("committee-1")
    fine = {"resident_id": here.resident_id(name), "rule_code": "sorted_wrongly",
            "units": units, "reason": "混投"}  # fmt: skip
    assert (await committee.post_once("/v1/staff/deductions", fine)).status_code == 201


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


@dataclass(frozen=True, slots=True)
class Plant:
    """A change behind the application's back, and which check must tell."""

    check: str
    sql: str
    tells: str = ""


NEW_TRANSFER = """
    INSERT INTO transfers
    SELECT community_id, transfer_id + 1000, posting_id, {kind}, {debit}, {credit}, points,
        'planted', source_id, leg, memo, rule_version_id, {reverses}, maker_id, checker_id,
        occurred_at, posted_at, salt
    FROM transfers WHERE kind = {of} AND community_id = :id ORDER BY transfer_id LIMIT 1
"""


def new_transfer(of: str, **changes: str) -> str:
    """Return SQL that posts a copy of the first transfer of a kind, with changes."""
    columns = {"kind": "kind", "debit": "debit_account_id", "credit": "credit_account_id",
               "reverses": "reverses_transfer_id"}  # fmt: skip
    return NEW_TRANSFER.format(**(columns | changes), of=f"'{of}'")


MORE_PINS = """
    INSERT INTO hold_lots
    SELECT community_id, hold_id, (SELECT max(lot_id) FROM lots
        WHERE lots.community_id = :id AND lots.account_id = holds.account_id), 1
    FROM holds WHERE community_id = :id AND state = '{state}' AND account_id =
        (SELECT min(account_id) FROM balances WHERE community_id = :id)
"""
PLANTS = [
    Plant(
        "every transfer goes its way",
        new_transfer("award", debit="2"),
        r"award \d+ goes from 2 to \d+",
    ),
    Plant("every transfer goes its way", new_transfer("deduction", credit="1")),
    Plant(
        "every transfer goes its way",
        new_transfer("spend", kind="'reversal'", reverses="transfer_id"),
    ),
    Plant(
        "all accounts sum to zero",
        "UPDATE balances SET posted = posted + 1, lots_total = lots_total + 1 WHERE"
        " (community_id, account_id) ="
        " (SELECT community_id, min(account_id) FROM balances GROUP BY 1)",
        "the book sums to 1",
    ),
    Plant(
        "guarded accounts have balances",
        "DELETE FROM balances WHERE community_id = :id AND posted = 0",
        r"balance rows of account \d+ is 0, should be 1",
    ),
    Plant(
        "posted points follow transfers",
        "UPDATE balances SET posted = posted + step, lots_total = lots_total + step FROM"
        " (SELECT account_id, CASE row_number() OVER (ORDER BY account_id) WHEN 1 THEN -1"
        "  WHEN 2 THEN 1 ELSE 0 END AS step FROM balances WHERE community_id = :id) AS swap"
        " WHERE community_id = :id AND balances.account_id = swap.account_id",
        r"posted of account \d+ is \d+, should be \d+",
    ),
    Plant("reversals are counted once", "DELETE FROM reversed_points WHERE community_id = :id"),
    Plant(
        "reversals are counted once",
        "UPDATE reversed_points SET original_points = original_points + 1 WHERE community_id = :id",
        r"original points of transfer \d+ is 51, should be 50",
    ),
    Plant(
        "transfers take their points from lots",
        "INSERT INTO lot_moves SELECT community_id, transfer_id,"
        " (SELECT max(lot_id) FROM lots WHERE community_id = :id), 1 FROM transfers"
        " WHERE community_id = :id AND kind = 'award'",
        r"award \d+ of \d+ took 1 from lots",
    ),
    Plant(
        "transfers take their points from lots",
        "INSERT INTO lot_moves SELECT community_id, transfer_id,"
        " (SELECT min(lot_id) FROM lots WHERE community_id = :id), 1 FROM transfers"
        " WHERE community_id = :id AND kind = 'deduction'",
        "from lot \\d+ of somebody else",
    ),
    Plant(
        "lots come from awards",
        "UPDATE lots SET granted = granted + 100 WHERE community_id = :id",
    ),
    Plant(
        "lots come from awards",
        "INSERT INTO lots SELECT community_id, 1, account_id, 1, NULL, 5, 0, 0, earned_at,"
        " expires_at FROM lots WHERE community_id = :id LIMIT 1",
        "lot 1 comes from no award",
    ),
    Plant(
        "lots keep what moves left",
        "UPDATE lots SET remaining = remaining - 1 WHERE community_id = :id AND remaining > held",
    ),
    Plant(
        "debt is what deductions lacked",
        "UPDATE balances SET posted = posted - 1, debt = debt + 1"
        " WHERE community_id = :id AND debt > 0",
        r"debt of account \d+ is 11, should be 10",
    ),
    Plant(
        "captures take the lots they held",
        MORE_PINS.format(state="captured"),
        r"capture \d+ took \{\d+: 50\}, its hold pinned \{\d+: 50, \d+: 1\}",
    ),
    Plant(
        "holds pin what they promise",
        MORE_PINS.format(state="held"),
        r"pinned points of hold \d+ is 51, should be 50",
    ),
    Plant(
        "held points are those of open holds",
        "UPDATE lots SET held = 0 WHERE community_id = :id AND held > 0",
        r"held of lot \d+ is 0, should be \d+",
    ),
    Plant(
        "held points are those of open holds",
        "UPDATE balances SET held = 0 WHERE community_id = :id AND held > 0",
        r"held of account \d+ is 0, should be 50",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET captures = captures + 1 WHERE community_id = :id AND state = 'captured'",
        r"legs of hold \d+ \(captured\): \[1, 2\], not \[1, 2, 3\]",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET captured_points = 7 WHERE community_id = :id AND state = 'released'",
        r"captured_points of hold \d+ \(released\): 7, not 0",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET ended_at = NULL WHERE community_id = :id AND state = 'expired'",
    ),
    Plant(
        "vouchers stand where their holds do",
        "UPDATE vouchers SET state = 'cancelled' WHERE community_id = :id AND state = 'issued'",
        "'cancelled', None.*should be .*'issued', None",
    ),
    Plant(
        "vouchers stand where their holds do",
        "UPDATE vouchers SET used_shop_id = 7 WHERE community_id = :id AND state = 'used'",
    ),
    Plant(
        "contributions and transfers agree",
        "INSERT INTO contributions SELECT community_id, 1, source_kind, 1, resident_id, occasion,"
        " rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,"
        " reason, recorded_by, acted_at, created_at FROM contributions"
        " WHERE community_id = :id AND granted_points > 0 LIMIT 1",
    ),
    Plant(
        "standings follow awards and deductions",
        "UPDATE standings SET score = score + 1 WHERE community_id = :id AND period = 'week'",
        r"score of \('week', datetime.date\(2026, 1[12], \d+\), \d+\) is \d+",
    ),
    Plant(
        "standings follow awards and deductions",
        "DELETE FROM standings WHERE community_id = :id AND period = 'month'",
    ),
    Plant(
        "standings follow awards and deductions",
        "UPDATE standings SET starts_on = starts_on + 7"
        " WHERE community_id = :id AND period = 'week'",
    ),
    Plant(
        "cap usage follows contributions",
        "UPDATE cap_usage SET used_points = used_points + 1 WHERE community_id = :id",
        "used_points of .* is 81, should be 80|used_points of .* is 2, should be 1",
    ),
    Plant(
        "cap usage follows contributions",
        "UPDATE cap_usage SET used_times = used_times + 1 WHERE community_id = :id",
    ),
    Plant(
        "every transfer waits to be sealed once",
        "DELETE FROM seal_queue WHERE community_id = :id AND transfer_id ="
        " (SELECT max(transfer_id) FROM seal_queue WHERE community_id = :id)",
        r"seal queue rows of transfer \d+ is 0, should be 1",
    ),
    Plant(
        "every transfer waits to be sealed once",
        "INSERT INTO seal_queue VALUES (:id, 1)",
        "seal queue rows of transfer 1 is 1, should be 0",
    ),
    Plant(
        "no lot lapses unnoticed",
        "UPDATE lots SET expires_at = '2026-12-31' WHERE community_id = :id",
    ),
    Plant(
        "spending is remembered",
        "UPDATE balances SET last_spent_at = NULL WHERE community_id = :id",
    ),
]


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
    columns[figure] += 1
    wrong: Any = SimpleNamespace(**columns)

    planted = replace(books, balances=[wrong, *books.balances[1:]])

    speak = [check.__name__.replace("_", " ") for check in CHECKS if any(check(planted))]
    assert FIGURES[figure] in speak


def test_every_check_has_a_plant_that_makes_it_speak() -> None:
    planted = {plant.check for plant in PLANTS} | set(FIGURES.values())
    assert {check.__name__.replace("_", " ") for check in CHECKS} == planted
