"""Repairs and reversals by hand: partial, whole, after the date, and never too much."""

import pytest

from tests.contributions.by_hand.desk import Desk, undoing
from tests.support.awards import give_lots
from tests.support.book_rows import set_floor
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.passing import let_pass
from tests.support.shopping import consume, redeem, withdraw

ONE_MONTH = {"kind": "months", "months": 1}
NEVER = {"kind": "never"}


async def give_with_date(desk: Desk, clock: Clock, *points: int) -> list[int]:
    """Give resident-1 lots: the first ones lapse in a month, the last one never."""
    resident_id = int(desk.here.resident_id("resident-1"))
    expiries = [ONE_MONTH] * (len(points) - 1) + [NEVER]
    wanted = [(resident_id, p, expiry) for p, expiry in zip(points, expiries, strict=True)]
    async with desk.sessionmaker.begin() as session:
        return await give_lots(session, desk.here, wanted, now=clock.now)


async def refused(desk: Desk, kind: str, transfer_id: str, **changes: int) -> str:
    return problem_code(await desk.propose(undoing(kind, transfer_id, **changes)))


async def test_an_award_is_taken_back_in_parts_and_no_more_than_it_gave(desk: Desk) -> None:
    award = (await desk.here.give("resident-1", "mediation"))["transfer_id"]

    assert await desk.undo("reversal", award, points=5) == {
        "asked_points": -5, "moved_points": -5,
    }  # fmt: skip
    assert await desk.score() == 15
    assert await refused(desk, "reversal", award, points=16) == "more_than_original"
    assert await desk.undo("reversal", award) == {"asked_points": -15, "moved_points": -15}

    assert await refused(desk, "reversal", award) == "nothing_left_to_reverse"
    assert await desk.lots() == {int(award): 0}
    assert await desk.score() == 0
    line = (await desk.lines("resident-1"))[0]
    assert line["reverses_transfer_id"] == award
    assert line["memo"] == "冲正\uff1a邻里调解\uff1a做了好事\uff08核实后更正\uff09"
    await desk.audit()


async def test_an_award_spent_already_is_owed_down_to_the_floor_and_counts_as_asked(
    desk: Desk,
) -> None:
    resident_id = int(desk.here.resident_id("resident-1"))
    async with desk.sessionmaker.begin() as session:
        await set_floor(session, desk.here.community_id, resident_id, -30)
    award = (await desk.here.give("resident-1", "legal_advice"))["transfer_id"]
    await desk.spend()

    assert await desk.undo("reversal", award) == {"asked_points": -50, "moved_points": -30}

    assert (await desk.balance())["debt_points"] == 30
    assert await refused(desk, "reversal", award) == "nothing_left_to_reverse"
    await desk.here.give("resident-1", "legal_advice")
    assert (await desk.balance())["posted_points"] == 20
    await desk.audit()


async def test_a_deduction_is_given_back_to_the_lots_it_was_taken_from(
    desk: Desk, clock: Clock
) -> None:
    soon, never = await give_with_date(desk, clock, 4, 10)
    fine = (await desk.here.fine("resident-1", units=2))["transfer_id"]
    assert await desk.lots() == {soon: 0, never: 4}

    assert await desk.undo("repair", fine, points=7) == {"asked_points": 7, "moved_points": 7}
    assert await desk.lots() == {soon: 1, never: 10}
    assert await desk.undo("repair", fine) == {"asked_points": 3, "moved_points": 3}

    assert await desk.lots() == {soon: 4, never: 10}
    assert await refused(desk, "repair", fine) == "nothing_left_to_reverse"
    assert await refused(desk, "reversal", fine) == "nothing_left_to_reverse"
    assert await desk.score() == 14
    await desk.audit()


async def test_a_repair_repays_debt_first_and_the_boards_rise_again(desk: Desk) -> None:
    resident_id = int(desk.here.resident_id("resident-1"))
    async with desk.sessionmaker.begin() as session:
        await set_floor(session, desk.here.community_id, resident_id, -20)
    await desk.here.give("resident-1", "survey")
    fine = (await desk.here.fine("resident-1", units=4))["transfer_id"]
    assert (await desk.balance())["posted_points"] == await desk.score() == -15

    await desk.undo("repair", fine, points=10)
    assert (await desk.balance())["debt_points"] == 5
    await desk.undo("repair", fine)

    assert (await desk.balance())["posted_points"] == await desk.score() == 5
    assert "积分修复" in (await desk.lines("resident-1"))[0]["memo"]
    await desk.audit()


async def test_a_repair_makes_points_whose_date_has_passed_usable_again(
    desk: Desk, clock: Clock
) -> None:
    await give_with_date(desk, clock, 5, 1)
    fine = (await desk.here.fine("resident-1"))["transfer_id"]
    let_pass(desk.here, clock, days=40)
    assert await desk.undo("repair", fine) == {"asked_points": 5, "moved_points": 5}
    assert (await desk.balance())["available_points"] == 6
    let_pass(desk.here, clock, days=31)
    assert (await desk.balance())["available_points"] == 1
    await desk.audit()


async def test_a_spend_undone_in_time_comes_back_with_its_dates(desk: Desk, clock: Clock) -> None:
    soon, never = await give_with_date(desk, clock, 30, 40)
    meal = await desk.spend()
    assert await desk.lots() == {soon: 0, never: 20}

    assert await desk.undo("reversal", meal, points=25) == {
        "asked_points": 25, "moved_points": 25,
    }  # fmt: skip
    assert await desk.lots() == {soon: 5, never: 40}
    assert await refused(desk, "reversal", meal, points=26) == "more_than_original"
    await desk.undo("reversal", meal)

    assert await desk.lots() == {soon: 30, never: 40}
    assert await refused(desk, "reversal", meal) == "nothing_left_to_reverse"
    assert await desk.score() == 70
    let_pass(desk.here, clock, days=40)
    assert (await desk.balance())["available_points"] == 40
    await desk.audit()


@pytest.mark.parametrize(("is_our_fault", "usable"), [(False, 20), (True, 50)])
async def test_a_spend_undone_after_the_date_is_usable_only_if_we_were_at_fault(
    desk: Desk, clock: Clock, *, is_our_fault: bool, usable: int
) -> None:
    await give_with_date(desk, clock, 30, 20)
    meal = await desk.spend()
    let_pass(desk.here, clock, days=40)

    moved = await desk.undo("reversal", meal, is_our_fault=is_our_fault)

    assert moved == {"asked_points": 50, "moved_points": 50}
    assert (await desk.balance())["available_points"] == usable
    let_pass(desk.here, clock, days=30)
    assert (await desk.balance())["available_points"] == usable
    let_pass(desk.here, clock, days=1)
    assert (await desk.balance())["available_points"] == 20
    await desk.audit()


async def test_a_meal_given_back_by_the_shop_is_not_given_back_again(desk: Desk) -> None:
    await desk.here.give("resident-1", "legal_advice")
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    eaten = (await consume(desk.here, voucher["typed_code"])).json()
    meal = await desk.newest("resident-1", "spend")
    waiting = await desk.proposed(undoing("reversal", meal, points=10))

    assert (await withdraw(desk.here, eaten["verification_id"])).status_code == 200

    late = await desk.decide(waiting, "approval")
    assert (late.status_code, problem_code(late)) == (409, "more_than_original")
    assert await refused(desk, "reversal", meal) == "nothing_left_to_reverse"
    await desk.audit()


async def test_a_meal_given_back_by_hand_is_not_given_back_by_the_shop(desk: Desk) -> None:
    await desk.here.give("resident-1", "legal_advice")
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    eaten = (await consume(desk.here, voucher["typed_code"])).json()
    await desk.undo("reversal", await desk.newest("resident-1", "spend"), points=10)

    answer = await withdraw(desk.here, eaten["verification_id"])

    assert answer.status_code == 409
    assert (await desk.balance())["posted_points"] == 10
    await desk.audit()


async def test_two_proposals_for_the_same_points_move_them_once(desk: Desk) -> None:
    award = (await desk.here.give("resident-1", "mediation"))["transfer_id"]
    first, second = [await desk.proposed(undoing("reversal", award)) for _ in range(2)]
    assert (await desk.decide(first, "approval")).status_code == 200
    late = await desk.decide(second, "approval")
    assert (late.status_code, problem_code(late)) == (409, "nothing_left_to_reverse")
    assert (await desk.decide(second, "refusal")).status_code == 200
    await desk.audit()
