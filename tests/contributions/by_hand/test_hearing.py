"""Deductions: the resident is told with the evidence and can answer before anything is taken."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.contributions.by_hand.errors import NotHeardYet
from app.core.problem_handlers import problem_of_constraint
from app.core.problems import Problem
from app.ledger.errors import CheckerIsMaker
from tests.contributions.by_hand.desk import Desk
from tests.support.auditing import assert_audit_clean
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.neighbourhood import POSTINGS, Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import send_photo

MINE = "/v1/me/deductions"
ANSWER = {"text": "当天我不在家，请核实照片时间"}
REPAIR = {"repair_task": "参加一次分类值守"}


async def propose_with_photo(desk: Desk) -> dict[str, Any]:
    """Propose a deduction of 10 points with a photo and a repair task."""
    committee = await consent(desk.here, "committee-1")
    photo_id = await send_photo(committee)
    answer = await desk.propose(
        desk.under_rule("deduction", units=2, photo_ids=[photo_id], **REPAIR)
    )
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_deduction_is_told_with_its_evidence_and_nothing_is_taken(desk: Desk) -> None:
    await desk.hear_for(3)
    await desk.here.give("resident-1", "mediation")

    told = await propose_with_photo(desk)

    number = told["posting_id"]
    # From Wednesday the 18th three days on, to the end of Saturday in Shanghai.
    assert told["heard_until"] == "2026-11-21T16:00:00Z"
    assert (told["points"], told["repair_points"]) == (10, 10)
    (message,) = await desk.inbox("resident-1")
    assert (message["kind"], message["subject_id"]) == ("deduction_proposed", number)
    for part in ("垃圾分类错误", "拟扣 10 分", "目前尚未扣分", "依据 1 张", "11 月 21 日"):
        assert part in message["body"]
    resident = await desk.here.caller("resident-1")
    (shown,) = (await resident.get(MINE)).json()["items"]
    (photo,) = shown["photos"]
    assert (await resident.http.get(photo["url"])).status_code == 200
    assert (await desk.read(number))["photos"][0]["photo_id"] == photo["photo_id"]
    assert (shown["state"], shown["rule_name"]) == ("proposed", "垃圾分类错误")
    assert (await desk.balance())["posted_points"] == 20


async def test_a_deduction_answered_is_posted_with_a_task_and_the_way_to_appeal(
    desk: Desk,
) -> None:
    await desk.hear_for(3)
    await desk.here.give("resident-1", "mediation")
    number = (await propose_with_photo(desk))["posting_id"]
    resident = await desk.here.caller("resident-1")

    answered = await resident.post_once(f"{MINE}/{number}/answer", ANSWER)

    assert answered.status_code == 200, answered.text
    assert (answered.json()["answer"], answered.json()["state"]) == (ANSWER["text"], "proposed")
    assert (await desk.read(number))["answer"] == ANSWER["text"]
    assert (await desk.decide(number, "approval")).status_code == 200
    shown = (await resident.get(f"{MINE}/{number}")).json()
    assert (shown["state"], shown["result"]["moved_points"]) == ("posted", -10)
    assert (shown["repair"]["task"], shown["repair"]["points"]) == ("参加一次分类值守", 10)
    assert shown["repair"]["due_at"] == "2026-12-18T16:00:00Z"
    message, *_ = await desk.inbox("resident-1")
    assert message["kind"] == "deduction_decided"
    for part in ("扣 10 分", "参加一次分类值守", "12 月 18 日", "15 天内提出申诉"):
        assert part in message["body"]
    async with desk.sessionmaker() as session:
        await assert_audit_clean(session, desk.here.community_id)
    await desk.audit()


async def test_without_an_answer_nothing_is_taken_before_the_time_is_over(
    desk: Desk, clock: Clock
) -> None:
    await desk.hear_for(3)
    await desk.here.give("resident-1", "mediation")
    number = await desk.proposed(desk.under_rule("deduction"))

    # At once, and one second before Saturday ends: 9 hours of today and three days.
    for seconds in (0, (9 + 72) * 3600 - 1):
        let_pass(desk.here, clock, seconds=seconds)
        early = await desk.decide(number, "approval")
        assert (early.status_code, problem_code(early)) == (409, "not_heard_yet")
        assert early.json()["heard_until"] == "2026-11-21T16:00:00+00:00"
    assert (await desk.balance())["posted_points"] == 20

    let_pass(desk.here, clock, seconds=1)
    assert (await desk.decide(number, "approval")).status_code == 200
    assert (await desk.balance())["posted_points"] == 15


@pytest.mark.parametrize(
    ("way", "by", "told"),
    [("refusal", "committee-2", "与事实不符"), ("withdrawal", "committee-1", "撤回")],
)
async def test_a_deduction_is_dropped_before_the_time_is_over_and_the_resident_is_told(
    desk: Desk, way: str, by: str, told: str
) -> None:
    await desk.hear_for(3)
    number = await desk.proposed(desk.under_rule("deduction", **REPAIR))

    for _ in range(2):
        assert (await desk.decide(number, way, by=by)).status_code == 200

    message, _ = await desk.inbox("resident-1")
    assert "现决定不扣分" in message["body"]
    assert told in message["body"]
    resident = await desk.here.caller("resident-1")
    late = await resident.post_once(f"{MINE}/{number}/answer", ANSWER)
    assert (late.status_code, problem_code(late)) == (409, "posting_decided")
    assert (await resident.get(f"{MINE}/{number}")).json()["repair"] is None


async def test_a_deduction_is_answered_once_even_after_the_time_while_it_is_undecided(
    desk: Desk, clock: Clock
) -> None:
    await desk.hear_for(1)
    number = await desk.proposed(desk.under_rule("deduction"))
    let_pass(desk.here, clock, days=5)
    resident = await desk.here.caller("resident-1")
    key = fresh_key()

    first, again = [
        await resident.post(f"{MINE}/{number}/answer", ANSWER, key=key) for _ in range(2)
    ]
    another = await resident.post_once(f"{MINE}/{number}/answer", {"text": "补充一句"})

    assert (first.status_code, again.json()) == (200, first.json())
    assert (another.status_code, problem_code(another)) == (409, "already_answered")
    assert (await desk.read(number))["answer"] == ANSWER["text"]


async def test_nobody_sees_or_answers_what_concerns_somebody_else(
    desk: Desk, elsewhere: Neighbourhood
) -> None:
    mine = await desk.proposed(desk.under_rule("deduction"))
    award = await desk.proposed(desk.under_rule("award", "resident-2"))
    proposer = await elsewhere.caller("committee-1")
    body = elsewhere.posting("deduction", "resident-2", rule_code="sorted_wrongly", reason="混投")
    foreign = (await proposer.post_once(POSTINGS, body)).json()["posting_id"]
    other = await desk.here.caller("resident-2")
    worker = await desk.here.caller("worker-1")

    for number in (mine, award, foreign, "99"):
        for answer in (
            await other.get(f"{MINE}/{number}"),
            await other.post_once(f"{MINE}/{number}/answer", ANSWER),
        ):
            assert (answer.status_code, problem_code(answer)) == (404, "deduction_not_found")
    for number in (award, foreign, "99"):
        answer = await worker.post_once(f"{POSTINGS}/{number}/answer", ANSWER)
        assert (answer.status_code, problem_code(answer)) == (404, "posting_not_found")
    assert (await other.get(MINE)).json()["items"] == []


async def test_for_a_resident_without_a_phone_a_worker_writes_the_answer_down(desk: Desk) -> None:
    await desk.hear_for(3)
    with_phone = await desk.proposed(desk.under_rule("deduction"))
    await desk.lose_phone("resident-4")
    number = await desk.proposed(desk.under_rule("deduction", "resident-4"))
    path = f"{POSTINGS}/{number}/answer"
    callers = {
        name: await desk.here.caller(name)
        for name in ("worker-1", "worker-2", "committee-1", "committee-2")
    }
    (message,) = await desk.inbox("worker-1")
    assert message["body"].startswith("请转告没有手机的居民刘*明")
    assert await desk.inbox("worker-2") == []

    for name, asked, status, code in (
        ("worker-1", f"{POSTINGS}/{with_phone}/answer", 409, "resident_has_phone"),
        ("worker-2", path, 404, "posting_not_found"),
        ("committee-1", path, 403, "checker_is_maker"),
    ):
        refused = await callers[name].post_once(asked, ANSWER)
        assert (refused.status_code, problem_code(refused)) == (status, code)
    assert (await callers["committee-2"].post_once(path, ANSWER)).status_code == 200

    told = await desk.read(number)
    assert told["answered_by"] not in (None, told["proposed_by"])
    own = await desk.decide(number, "approval", by="committee-2")
    assert (own.status_code, problem_code(own)) == (403, "checker_is_maker")


async def test_an_answer_that_others_write_down_does_not_end_the_hearing(
    desk: Desk, clock: Clock
) -> None:
    await desk.hear_for(3)
    await desk.here.give("resident-4", "mediation")
    await desk.lose_phone("resident-4")
    number = await desk.proposed(desk.under_rule("deduction", "resident-4"))
    worker = await desk.here.caller("worker-1")
    written = await worker.post_once(f"{POSTINGS}/{number}/answer", {"text": "没有意见"})
    assert written.status_code == 200

    early = await desk.decide(number, "approval")
    assert (early.status_code, problem_code(early)) == (409, "not_heard_yet")

    let_pass(desk.here, clock, days=4)
    assert (await desk.decide(number, "approval")).status_code == 200


async def test_a_deduction_of_before_hearings_is_answered_first_or_proposed_anew(
    desk: Desk,
) -> None:
    await desk.here.give("resident-1", "mediation")
    unheard, answered = [await desk.proposed(desk.under_rule("deduction")) for _ in range(2)]
    await desk.execute(
        "UPDATE manual_postings SET heard_until = NULL, points = NULL"
        " WHERE community_id = :community_id AND kind = 'deduction'"
    )
    resident = await desk.here.caller("resident-1")
    assert (await resident.post_once(f"{MINE}/{answered}/answer", ANSWER)).status_code == 200

    refused = await desk.decide(unheard, "approval")

    assert (refused.status_code, problem_code(refused)) == (409, "not_heard_yet")
    assert (await desk.decide(unheard, "withdrawal", by="committee-1")).status_code == 200
    assert (await desk.decide(answered, "approval")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        (REPAIR | {"repair_points": 6}, 422, "repair_too_large"),
        ({"repair_points": 3}, 422, "request_invalid"),
        (REPAIR | {"repair_points": 0}, 422, "request_invalid"),
        ({"photo_ids": ["99"]}, 404, "evidence_photo_not_found"),
    ],
    ids=str,
)
async def test_a_deduction_that_promises_too_much_or_proves_nothing_is_refused(
    desk: Desk, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await desk.propose(desk.under_rule("deduction", **changes))
    assert (answer.status_code, problem_code(answer)) == (status, code)
    assert await desk.inbox("resident-1") == []


async def test_a_photo_of_somebody_else_is_no_evidence(desk: Desk) -> None:
    photo_id = await send_photo(await consent(desk.here, "committee-2"))
    answer = await desk.propose(desk.under_rule("deduction", photo_ids=[photo_id]))
    assert (answer.status_code, problem_code(answer)) == (404, "evidence_photo_not_found")


@pytest.mark.parametrize(
    ("change", "constraint", "problem"),
    [
        (
            "state = 'posted', decided_by = 1, decided_at = proposed_at, result = '{}'",
            "ck_manual_postings_heard_first",
            NotHeardYet,
        ),
        (
            "answer = 'fine', answered_at = proposed_at, answered_by = proposed_by",
            "ck_manual_postings_answered_by_another",
            CheckerIsMaker,
        ),
    ],
)
async def test_the_database_lets_nobody_skip_the_hearing(
    desk: Desk, change: str, constraint: str, problem: type[Problem]
) -> None:
    await desk.hear_for(3)
    await desk.proposed(desk.under_rule("deduction"))
    async with desk.sessionmaker() as session:
        with pytest.raises(IntegrityError, match=constraint):
            await session.execute(text(f"UPDATE manual_postings SET {change}"))  # noqa: S608
    assert problem_of_constraint(constraint) is problem
