"""Who may appeal, against what, until when, and how often."""

import pytest
from sqlalchemy import text

from tests.governance.appeals.desk import APPEALS, DESK, AppealDesk, award_id
from tests.rules.changes.proposing import Assembly, procedure
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

DAYS = 15


async def window(desk: AppealDesk, subject_id: str, kind: str = "award") -> dict[str, object]:
    answer: dict[str, object] = await desk.read(
        "resident-1", f"{APPEALS}/window", kind=kind, subject_id=subject_id
    )
    return answer


async def test_one_can_appeal_for_so_many_full_days(desk: AppealDesk, clock: Clock) -> None:
    award = award_id(await desk.here.give("resident-1", "survey"))
    assert (await window(desk, award))["until"] == "2026-12-03T16:00:00Z"
    # Three in the afternoon there: nine hours of the day are left.
    let_pass(desk.here, clock, days=DAYS, hours=8.9)
    assert (await window(desk, award))["is_possible"]
    let_pass(desk.here, clock, hours=0.2)
    assert not (await window(desk, award))["is_possible"]

    late = await desk.try_file("resident-1", "award", award)

    assert (late.status_code, problem_code(late)) == (409, "appeal_too_late")
    assert late.json()["until"] == "2026-12-04T00:00+08:00"
    assert late.json()["last_day"] == "2026-12-03"
    # That it was taken back is another decision, and can be appealed against again.
    reversal = {"kind": "reversal", "transfer_id": award, "reason": "非本人", "is_our_fault": False}
    await desk.here.post_by_hand(reversal)
    await desk.file("resident-1", "award", award)


async def test_a_shorter_time_to_appeal_ends_none_that_runs(desk: AppealDesk, clock: Clock) -> None:
    assembly = Assembly(desk.here, clock)
    award = award_id(await desk.here.give("resident-1", "survey"))
    proposed = await assembly.propose(procedure(appeal_days=5))
    assembly.end_notice()
    await assembly.adopt(proposed)
    later = award_id(await desk.here.give("resident-1", "survey"))

    assert (await window(desk, later))["until"] == "2026-12-01T16:00:00Z"
    assert (await window(desk, award))["until"] == "2026-12-03T16:00:00Z"
    await desk.file("resident-1", "award", award)

    days = {"effective_on": "2026-12-31", "reason": "程序再行调整"}
    again = await assembly.propose(procedure(appeal_days=2), **days)
    assembly.end_notice()
    await assembly.adopt(again)
    assert (await window(desk, later))["until"] == "2026-12-01T16:00:00Z"
    assert (await window(desk, award))["until"] == "2026-12-03T16:00:00Z"


async def test_one_appeals_once_and_anew_only_after_a_withdrawal(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "survey"))
    first = await desk.file("resident-1", "award", award)
    again = await desk.try_file("resident-1", "award", award)
    assert (again.status_code, problem_code(again)) == (409, "appeal_already_filed")
    resident = await desk.here.caller("resident-1")
    for _ in range(2):
        withdrawn = await resident.post(f"{APPEALS}/{first}/withdrawal")
        assert withdrawn.json()["state"] == "withdrawn"

    second = await desk.file("resident-1", "award", award)

    mine = (await desk.read("resident-1", APPEALS))["items"]
    assert [(one["appeal_id"], one["state"]) for one in mine] == [
        (second, "open"), (first, "withdrawn"),
    ]  # fmt: skip
    assert (await window(desk, award))["appeal_id"] == second
    assert problem_code(await desk.try_decide(first)) == "appeal_closed"
    await desk.decide(second, "dismissed")
    closed = await resident.post(f"{APPEALS}/{second}/withdrawal")
    assert (closed.status_code, problem_code(closed)) == (409, "appeal_closed")
    assert problem_code(await desk.try_file("resident-1", "award", award)) == "appeal_already_filed"


async def test_only_one_s_own_can_be_appealed_against(
    desk: AppealDesk, elsewhere: Neighbourhood
) -> None:
    award = award_id(await desk.here.give("resident-1", "survey"))
    foreign = award_id(await elsewhere.give("resident-1", "survey"))
    attempts = [
        ("resident-2", "award", award),
        ("resident-1", "deduction", award),
        ("resident-1", "refusal", award),
        ("resident-1", "award", foreign),
        ("resident-1", "award", "4711"),
    ]
    for name, kind, subject in attempts:
        answer = await desk.try_file(name, kind, subject)
        assert (answer.status_code, problem_code(answer)) == (404, "appeal_subject_not_found")

    appeal_id = await desk.file("resident-1", "award", award)
    stranger = await elsewhere.caller("auditor-1")
    neighbour = await desk.here.caller("resident-2")
    assert (await stranger.get(f"{DESK}/{appeal_id}")).status_code == 404
    body = {"verdict": "dismissed", "outcome": "与本社区无关，不予受理。"}
    assert (await stranger.post(f"{DESK}/{appeal_id}/decision", body)).status_code == 404
    assert (await neighbour.get(f"{APPEALS}/{appeal_id}")).status_code == 404
    assert (await neighbour.post(f"{APPEALS}/{appeal_id}/withdrawal")).status_code == 404
    assert (await stranger.get(DESK)).json()["items"] == []


async def test_a_photo_of_somebody_else_is_no_evidence(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "survey"))
    theirs = await desk.photo_of("resident-2")
    answer = await desk.try_file("resident-1", "award", award, photo_ids=[theirs])
    assert (answer.status_code, problem_code(answer)) == (404, "evidence_photo_not_found")


@pytest.mark.parametrize("words", ["太短", "长" * 1001])
async def test_why_is_said_in_ten_to_a_thousand_characters(desk: AppealDesk, words: str) -> None:
    award = award_id(await desk.here.give("resident-1", "survey"))
    answer = await desk.try_file("resident-1", "award", award, text=words)
    assert answer.status_code == 422


async def test_the_queue_begins_with_what_is_due_first(desk: AppealDesk, clock: Clock) -> None:
    numbers = []
    for name in ("resident-1", "resident-2", "resident-3"):
        award = award_id(await desk.here.give(name, "survey"))
        numbers.append(await desk.file(name, "award", award))
        let_pass(desk.here, clock, days=1)
    async with desk.sessions.begin() as session:
        await session.execute(
            text("UPDATE appeals SET answer_until = filed_at WHERE appeal_id = :last"),
            {"last": int(numbers[2])},
        )

    page = await desk.read("auditor-1", DESK, size=2)
    rest = await desk.read("auditor-1", DESK, size=2, cursor=page["next_cursor"])

    due = [*page["items"], *rest["items"]]
    assert [one["appeal_id"] for one in due] == [numbers[2], *numbers[:2]]
    assert [one["is_overdue"] for one in due] == [True, False, False]
    assert rest["next_cursor"] is None
    # Both of the committee took part, by proposing and by checking.
    assert not any(one["may_decide"] for one in (await desk.read("committee-1", DESK))["items"])


async def test_after_a_dismissal_only_a_new_decision_can_be_appealed_against(
    desk: AppealDesk, clock: Clock
) -> None:
    given = await desk.here.give("resident-1", "story_evening")
    award = award_id(given)
    await desk.decide(await desk.file("resident-1", "award", award), "dismissed")
    assert not (await window(desk, award))["is_possible"]
    let_pass(desk.here, clock, days=1)
    taken = {"kind": "reversal", "transfer_id": award, "is_our_fault": False, "reason": "登记错了"}
    await desk.here.post_by_hand(taken)

    assert (await window(desk, award))["is_possible"]
    second = await desk.file("resident-1", "award", award)
    await desk.decide(second, correction={})

    refused = await desk.try_file("resident-1", "award", award)
    assert problem_code(refused) == "appeal_already_filed"
    assert await desk.points("resident-1") == given["granted_points"]
    await desk.check_books()
