"""Appeals against points taken: given back once, with time to use them, and the boards follow."""

import pytest

from tests.governance.appeals.desk import OUTCOME, AppealDesk, net
from tests.support.awards import give_lots
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.passing import let_pass

ONE_MONTH = {"kind": "months", "months": 1}
NEVER = {"kind": "never"}


async def test_a_deduction_is_given_back_whole_and_the_rank_with_it(desk: AppealDesk) -> None:
    await desk.here.give("resident-1", "mediation")
    await desk.here.give("resident-2", "story_evening")
    fine = (await desk.here.fine("resident-1", units=4))["contribution_id"]
    assert await desk.place("resident-1") == (2, 0)
    photo = await desk.photo_of("resident-1")

    appeal_id = await desk.file("resident-1", "deduction", fine, photo_ids=[photo])
    (waiting,) = (await desk.read("auditor-1", "/v1/staff/appeals"))["items"]
    assert (waiting["appeal_id"], waiting["may_decide"]) == (appeal_id, True)
    seen = await desk.read("auditor-1", f"/v1/staff/appeals/{appeal_id}")
    assert seen["contribution"]["granted_points"] == -20
    assert [one["photo_id"] for one in seen["photos"]] == [photo]

    assert net(await desk.decide(appeal_id)) == {"points": 20, "given_back_points": 20}

    assert await desk.place("resident-1") == (1, 20)
    assert await desk.points("resident-1") == 20
    told = (await desk.told("resident-1"))[0]
    assert OUTCOME in told
    assert "20 分" in told
    mine = await desk.read("resident-1", f"/v1/me/appeals/{appeal_id}")
    assert (mine["state"], mine["outcome"]) == ("upheld", OUTCOME)
    assert mine["decided_by"]["role"] == "auditor"
    await desk.check_books()


async def test_part_of_a_deduction_is_given_back_and_no_more_than_stands(desk: AppealDesk) -> None:
    await desk.here.give("resident-1", "mediation")
    fine = (await desk.here.fine("resident-1", units=2))["contribution_id"]
    appeal_id = await desk.file("resident-1", "deduction", fine)
    refused = [
        ("partly_upheld", None, "correction_missing"),
        ("partly_upheld", {"points": 11}, "more_than_original"),
        ("partly_upheld", {"units": 1}, "correction_unfit"),
        ("upheld", {"points": 3}, "correction_unfit"),
        ("dismissed", {"points": 3}, "correction_unfit"),
    ]
    for verdict, correction, code in refused:
        answer = await desk.try_decide(appeal_id, verdict, correction=correction)
        assert problem_code(answer) == code

    effects = await desk.decide(appeal_id, "partly_upheld", correction={"points": 4})

    assert net(effects) == {"points": 4, "given_back_points": 4}
    assert await desk.points("resident-1") == 14
    await desk.check_books()


async def test_what_a_repair_gave_back_is_not_given_back_again(desk: AppealDesk) -> None:
    await desk.here.give("resident-1", "mediation")
    fine = (await desk.here.fine("resident-1", units=2))["contribution_id"]
    repair = {"kind": "repair", "transfer_id": fine, "points": 7, "reason": "参加两次值守"}
    await desk.here.post_by_hand(repair)

    effects = await desk.decide(await desk.file("resident-1", "deduction", fine))

    assert net(effects) == {"points": 3, "given_back_points": 3}
    assert await desk.points("resident-1") == 20
    await desk.check_books()


@pytest.mark.parametrize("points", [None, 5, 3])
async def test_nobody_is_left_with_a_task_that_gives_nothing_back(
    desk: AppealDesk, points: int | None
) -> None:
    await desk.here.give("resident-1", "survey")
    body = desk.here.posting(
        "deduction", "resident-1", rule_code="sorted_wrongly", units=1, reason="混投"
    )
    await desk.here.post_by_hand(body | {"repair_task": "参加一次分类值守"})
    fine = await desk.ask("SELECT contribution_id FROM repair_tasks")
    task = await desk.ask("SELECT repair_task_id FROM repair_tasks")
    resident = await desk.here.caller("resident-1")
    report = {"report": "周六上午值守两小时"}
    assert (await resident.post_once(f"/v1/me/repairs/{task}/report", report)).is_success
    correction = None if points is None else {"points": points}
    verdict = "upheld" if points is None else "partly_upheld"

    await desk.decide(
        await desk.file("resident-1", "deduction", str(fine)), verdict, correction=correction
    )

    state = "reported" if points == 3 else "lapsed"
    assert await desk.ask("SELECT state FROM repair_tasks") == state
    assert f"已返还 {points or 5} 分。" in (await desk.told("resident-1"))[0]
    await desk.check_books()


async def test_points_whose_date_has_passed_may_be_used_for_thirty_more_days(
    desk: AppealDesk, clock: Clock
) -> None:
    resident_id = int(desk.here.resident_id("resident-1"))
    let_pass(desk.here, clock, days=-25)
    async with desk.sessions.begin() as session:
        await give_lots(
            session, desk.here, [(resident_id, 5, ONE_MONTH), (resident_id, 1, NEVER)],
            now=clock.now,
        )  # fmt: skip
    let_pass(desk.here, clock, days=25)
    fine = (await desk.here.fine("resident-1"))["contribution_id"]
    let_pass(desk.here, clock, days=10)

    await desk.decide(await desk.file("resident-1", "deduction", fine))

    for days, usable in ((0, 6), (30, 6), (1, 1)):
        let_pass(desk.here, clock, days=days)
        balance = await desk.read("resident-1", "/v1/me/balance")
        assert balance["available_points"] == usable
    await desk.check_books()


@pytest.mark.parametrize("verdict", ["upheld", "dismissed"])
async def test_pressed_again_a_decision_is_carried_out_once(desk: AppealDesk, verdict: str) -> None:
    await desk.here.give("resident-1", "mediation")
    fine = (await desk.here.fine("resident-1"))["contribution_id"]
    appeal_id = await desk.file("resident-1", "deduction", fine)
    first, second = [await desk.try_decide(appeal_id, verdict) for _ in range(2)]

    assert first.json() == second.json()
    assert await desk.points("resident-1") == (20 if verdict == "upheld" else 15)
    other = {"upheld": "dismissed", "dismissed": "upheld"}[verdict]
    assert problem_code(await desk.try_decide(appeal_id, other)) == "appeal_closed"
    await desk.check_books()


async def test_a_resident_who_has_left_gets_an_answer_but_no_points(desk: AppealDesk) -> None:
    await desk.here.give("resident-1", "mediation")
    fine = (await desk.here.fine("resident-1"))["contribution_id"]
    appeal_id = await desk.file("resident-1", "deduction", fine)
    await desk.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(desk.here.resident_id("resident-1")),
    )

    assert problem_code(await desk.try_decide(appeal_id)) == "resident_not_found"
    assert (await desk.try_decide(appeal_id, "dismissed")).status_code == 200
