"""Checkers who press at the same time: a posting is posted once, an original undone once."""

import asyncio
from collections import Counter

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.contributions.by_hand.desk import Desk, undoing
from tests.support.caller import problem_code

Sessions = async_sessionmaker[AsyncSession]


async def make_desk(race: MakeRace, sessionmaker: Sessions) -> Desk:
    here = await race(1)
    for name in ("committee-1", "committee-2", "resident-1"):
        await here.caller(name)
    return Desk(here, sessionmaker)


def told(answers: list[httpx.Response]) -> Counter[str]:
    """Count answers by state, or by the problem's code."""
    return Counter(
        answer.json()["state"] if answer.is_success else problem_code(answer) for answer in answers
    )


async def test_one_posting_approved_by_many_at_once_is_posted_once(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    desk = await make_desk(race, race_sessionmaker)
    posting_id = await desk.proposed(desk.under_rule("award"))

    answers = await asyncio.gather(*(desk.decide(posting_id, "approval") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert (await desk.balance())["posted_points"] == 20
    await desk.audit()


async def test_an_approval_and_a_withdrawal_at_once_leave_one_of_them(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    desk = await make_desk(race, race_sessionmaker)
    postings = [await desk.proposed(desk.under_rule("award")) for _ in range(4)]

    answers = await asyncio.gather(
        *(desk.decide(number, "approval") for number in postings),
        *(desk.decide(number, "withdrawal", by="committee-1") for number in postings),
    )

    counts = told(answers)
    assert counts["posted"] + counts["withdrawn"] == counts["posting_decided"] == 4
    assert (await desk.balance())["posted_points"] == 20 * counts["posted"]
    await desk.audit()


async def test_reversals_of_one_award_at_once_never_take_more_than_it_gave(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    desk = await make_desk(race, race_sessionmaker)
    award = (await desk.here.give("resident-1", "mediation"))["transfer_id"]
    await desk.here.give("resident-1", "legal_advice")
    postings = [await desk.proposed(undoing("reversal", award, points=p)) for p in (15, 10)]

    answers = await asyncio.gather(
        *(desk.decide(number, "approval") for number in postings for _ in range(5))
    )

    assert told(answers) == {"posted": 5, "more_than_original": 5}
    moved = {row.json()["result"]["moved_points"] for row in answers if row.is_success}
    assert moved in ({-15}, {-10})
    assert (await desk.balance())["posted_points"] == 70 + moved.pop()
    await desk.audit()


async def test_reversals_of_one_meal_at_once_never_give_more_than_it_cost(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    desk = await make_desk(race, race_sessionmaker)
    await desk.here.caller("clerk-2")
    await desk.here.give("resident-1", "legal_advice")
    meal = await desk.spend()
    postings = [await desk.proposed(undoing("reversal", meal, points=20)) for _ in range(10)]

    answers = await asyncio.gather(*(desk.decide(number, "approval") for number in postings))

    assert told(answers) == {"posted": 2, "more_than_original": 8}
    assert (await desk.balance())["posted_points"] == 40
    await desk.audit()


async def test_an_answer_and_an_approval_at_once_leave_no_one_unheard(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    desk = await make_desk(race, race_sessionmaker)
    resident = await desk.here.caller("resident-1")
    await desk.here.give("resident-1", "mediation")
    over = [await desk.proposed(desk.under_rule("deduction")) for _ in range(2)]
    await desk.hear_for(3)
    waiting = [await desk.proposed(desk.under_rule("deduction")) for _ in range(2)]

    async def answer(number: str) -> httpx.Response:
        return await resident.post_once(f"/v1/me/deductions/{number}/answer", {"text": "不是我"})

    for number in (*over, *waiting):
        approved, answered = await asyncio.gather(desk.decide(number, "approval"), answer(number))
        posting = await desk.read(number)
        assert posting["state"] == ("posted" if approved.is_success else "proposed")
        assert (posting["answer"] is not None) == answered.is_success
        if number in over:
            assert approved.status_code == 200
            assert answered.is_success or problem_code(answered) == "posting_decided"
        else:
            assert answered.status_code == 200
            assert approved.is_success or problem_code(approved) == "not_heard_yet"
    await desk.audit()
