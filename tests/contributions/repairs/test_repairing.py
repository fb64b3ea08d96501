"""Repair tasks: offered with a deduction, reported, decided, and given back or lapsed."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.contributions.repairs.errors import RepairNotReported
from app.core.problem_handlers import problem_of_constraint
from app.ledger.errors import CheckerIsMaker
from tests.contributions.by_hand.desk import Desk
from tests.contributions.by_hand.test_proposing import seat_in_committee
from tests.contributions.by_hand.test_undoing import give_with_date
from tests.contributions.repairs.mending import (
    DONE,
    MINE,
    STAFF,
    decide,
    fine_with_task,
    report,
    task_for,
)
from tests.support.auditing import assert_audit_clean
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import send_photo
from tests.support.working import come_round


async def test_a_task_done_gives_points_back_though_their_date_has_passed(
    desk: Desk, clock: Clock, app: FastAPI
) -> None:
    await give_with_date(desk, clock, 5, 1)
    task = await fine_with_task(desk)
    assert task is not None
    assert (task["points"], task["due_at"]) == (5, "2026-12-18T16:00:00Z")
    assert await desk.score() == 1
    number = task["repair_task_id"]
    await report(desk, number)

    # What waits for a decision does not lapse.
    let_pass(desk.here, clock, days=40)
    await come_round(app, "every_hour")
    first, again = [await decide(desk, number) for _ in range(2)]

    assert (first.status_code, first.json()["state"]) == (200, "done")
    assert (again.status_code, again.json()["decided_at"]) == (200, first.json()["decided_at"])
    assert (await desk.balance())["available_points"] == await desk.score() == 6
    message, *_ = await desk.inbox("resident-1")
    assert message["body"].endswith("已确认，返还 5 分。")
    line = (await desk.lines("resident-1"))[0]
    assert (line["kind"], line["reverses_transfer_id"]) == ("reversal", task["contribution_id"])
    assert line["memo"].startswith("积分修复：参加一次分类值守")
    async with desk.sessionmaker() as session:
        await assert_audit_clean(session, desk.here.community_id)
    let_pass(desk.here, clock, days=31)
    assert (await desk.balance())["available_points"] == 1
    await desk.audit()


async def test_a_report_comes_with_photos_into_the_queue_of_who_decides(desk: Desk) -> None:
    number = (await task_for(desk))["repair_task_id"]
    photo_id = await send_photo(await consent(desk.here, "resident-1"))
    checker = await desk.here.caller("committee-2")
    assert (await checker.get(STAFF, state="reported")).json()["items"] == []

    told = (await report(desk, number, photo_ids=[photo_id])).json()

    assert (told["state"], told["report"]) == ("reported", DONE["report"])
    (waiting,) = (await checker.get(STAFF, state="reported")).json()["items"]
    assert waiting["repair_task_id"] == number
    (photo,) = waiting["photos"]
    assert photo["photo_id"] == photo_id
    assert (await checker.http.get(photo["url"])).status_code == 200
    theirs = await report(desk, number, photo_ids=["99"])
    assert (theirs.status_code, problem_code(theirs)) == (409, "repair_not_open")


async def test_a_task_refused_is_reported_again_until_its_date(
    desk: Desk, clock: Clock, app: FastAPI
) -> None:
    number = (await task_for(desk))["repair_task_id"]
    assert (await report(desk, number)).status_code == 200
    twice = await report(desk, number)
    assert (twice.status_code, problem_code(twice)) == (409, "repair_not_open")

    first, again = [await decide(desk, number, "refusal") for _ in range(2)]
    assert (first.json()["state"], first.json()["refusal"]) == ("offered", "照片看不清")
    assert again.json() == first.json()
    assert "照片看不清" in (await desk.inbox("resident-1"))[0]["body"]
    unreported = await decide(desk, number)
    assert (unreported.status_code, problem_code(unreported)) == (409, "repair_not_reported")

    assert (await report(desk, number)).json()["state"] == "reported"
    let_pass(desk.here, clock, days=31)
    await decide(desk, number, "refusal")
    late = await report(desk, number)
    assert (late.status_code, problem_code(late)) == (410, "repair_task_lapsed")
    await come_round(app, "every_hour")
    resident = await desk.here.caller("resident-1")
    assert (await resident.get(MINE)).json()["items"][0]["state"] == "lapsed"
    late = await report(desk, number)
    assert (late.status_code, problem_code(late)) == (410, "repair_task_lapsed")
    assert (await desk.balance())["posted_points"] == 0


async def test_a_task_gives_back_no_more_than_was_taken(desk: Desk) -> None:
    assert await fine_with_task(desk) is None
    await desk.here.give("resident-1", "survey")
    task = await fine_with_task(desk, units=4, repair_points=12)
    assert task is not None
    assert task["points"] == 5
    assert (await task_for(desk, "resident-2", repair_points=2))["points"] == 2


@pytest.mark.parametrize(("appealed", "left"), [(5, 0), (3, 2)])
async def test_what_has_been_given_back_before_is_not_given_back_again(
    desk: Desk, appealed: int, left: int
) -> None:
    task = await task_for(desk)
    number = task["repair_task_id"]
    await report(desk, number)
    await desk.undo("reversal", task["contribution_id"], points=appealed)

    answer = await decide(desk, number)

    if left == 0:
        # Nothing is left to earn, so the task is over.
        assert (answer.status_code, problem_code(answer)) == (409, RepairNotReported.code)
    else:
        assert (answer.status_code, answer.json()["points"]) == (200, left)
    assert (await desk.balance())["posted_points"] == 5
    await desk.audit()


async def test_nobody_decides_on_a_repair_of_their_own_or_of_their_household(
    desk: Desk, clock: Clock
) -> None:
    number = (await task_for(desk))["repair_task_id"]
    await report(desk, number)
    for name in ("resident-1", "resident-2"):
        await seat_in_committee(desk, name, clock)
    await desk.execute(
        "UPDATE residents SET household_id = (SELECT household_id FROM residents"
        " WHERE community_id = :community_id AND resident_id = :first)"
        " WHERE community_id = :community_id AND resident_id = :second",
        first=int(desk.here.resident_id("resident-1")),
        second=int(desk.here.resident_id("resident-2")),
    )
    for name in ("resident-1", "resident-2"):
        for way in ("acceptance", "refusal"):
            answer = await decide(desk, number, way, by=name)
            assert (answer.status_code, problem_code(answer)) == (403, "own_repair")


async def test_for_a_resident_without_a_phone_staff_report_and_somebody_else_decides(
    desk: Desk,
) -> None:
    with_phone = (await task_for(desk))["repair_task_id"]
    await desk.lose_phone("resident-4")
    number = (await task_for(desk, "resident-4"))["repair_task_id"]
    callers = [await desk.here.caller(name) for name in ("worker-1", "worker-2", "committee-1")]
    seen = [len((await caller.get(STAFF)).json()["items"]) for caller in callers]
    assert seen == [2, 0, 2]

    worker, other, committee = callers
    for caller, asked, status, code in (
        (worker, with_phone, 409, "resident_has_phone"),
        (other, number, 404, "repair_task_not_found"),
    ):
        refused = await caller.post_once(f"{STAFF}/{asked}/report", DONE)
        assert (refused.status_code, problem_code(refused)) == (status, code)
    told = (await committee.post_once(f"{STAFF}/{number}/report", DONE)).json()
    own = await decide(desk, number, by="committee-1")
    assert (own.status_code, problem_code(own)) == (403, "checker_is_maker")
    assert (await decide(desk, number)).status_code == 200
    people = "SELECT maker_id || ' ' || checker_id FROM transfers WHERE source_kind = 'repair'"
    maker, checker = (await desk.scalar(people)).split()
    assert maker == told["reported_by"] != checker
    async with desk.sessionmaker() as session:
        await assert_audit_clean(session, desk.here.community_id)


async def test_a_task_of_somebody_else_is_not_there(desk: Desk, elsewhere: Neighbourhood) -> None:
    mine = (await task_for(desk))["repair_task_id"]
    there = Desk(elsewhere, desk.sessionmaker)
    foreign = (await task_for(there))["repair_task_id"]

    answers = [await report(desk, number, "resident-2") for number in (mine, foreign, "99")]
    answers += [await decide(desk, number, way) for number in (foreign, "99")
                for way in ("acceptance", "refusal")]  # fmt: skip

    assert {(answer.status_code, problem_code(answer)) for answer in answers} == {
        (404, "repair_task_not_found")
    }
    other = await desk.here.caller("resident-2")
    assert (await other.get(MINE)).json()["items"] == []


async def test_a_report_repeated_with_its_key_is_made_once(desk: Desk) -> None:
    number = (await task_for(desk))["repair_task_id"]
    resident = await desk.here.caller("resident-1")
    key = fresh_key()
    first, again = [await resident.post(f"{MINE}/{number}/report", DONE, key=key) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())


async def test_the_database_refuses_who_accepts_their_own_report(desk: Desk) -> None:
    await report(desk, (await task_for(desk))["repair_task_id"])
    async with desk.sessionmaker() as session:
        with pytest.raises(IntegrityError, match="ck_repair_tasks_checker_is_another"):
            await session.execute(
                text(
                    "UPDATE repair_tasks SET state = 'done', decided_by = reported_by,"
                    " decided_at = reported_at"
                )
            )
    assert problem_of_constraint("ck_repair_tasks_checker_is_another") is CheckerIsMaker
