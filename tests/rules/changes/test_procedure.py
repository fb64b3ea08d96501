"""How a community decides changes as its rules do: no member of the committee sets it alone."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.contributions.by_hand.desk import Desk
from tests.rules.changes.proposing import PROCEDURE, Assembly, change, procedure
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
READ = "/v1/procedure"


@pytest.fixture
def desk(here: Neighbourhood, sessionmaker: Sessions) -> Desk:
    return Desk(here, sessionmaker)


async def heard_until(desk: Desk) -> tuple[str, str]:
    """Propose a deduction; return its number and until when it waits for an answer."""
    answer = await desk.propose(desk.under_rule("deduction"))
    assert answer.status_code == 201, answer.text
    return answer.json()["posting_id"], answer.json()["heard_until"]


async def test_everybody_reads_which_days_would_change(assembly: Assembly) -> None:
    proposed = await assembly.propose(procedure(hearing_days=1, appeal_answer_days=5))
    number = proposed["rule_change_id"]
    public = f"/v1/public/communities/{assembly.here.community_id}/rule-changes/{number}"
    shown = await assembly.read(f"/v1/rule-changes/{number}")
    assert (await assembly.here.http.get(public)).json() == shown
    assert shown["rule_codes"] == []
    (days,) = shown["changes"]
    assert (days["kind"], days["code"], days["based_on"]) == ("procedure", "procedure", None)
    assert days["differences"] == [
        {"field": "hearing_days", "before": 0, "after": 1},
        {"field": "appeal_answer_days", "before": 10, "after": 5},
    ]
    assert days["sentence_before"] == (
        "办理期限：规则公示至少 7 天，扣分前不设申辩期，积分修复期限 30 天，"
        "决定作出后 15 天内可以申诉，申诉在 10 天内答复"
    )
    assert days["sentence_after"] == (
        "办理期限：规则公示至少 7 天，扣分前申辩期 1 天，积分修复期限 30 天，"
        "决定作出后 15 天内可以申诉，申诉在 5 天内答复；自通过时起执行，此前已开始的期限不变"
    )
    assert await assembly.read(READ) == PROCEDURE


async def test_a_procedure_is_proposed_noticed_adopted_by_another_and_then_in_force(
    assembly: Assembly, elsewhere: Neighbourhood
) -> None:
    proposed = await assembly.propose(procedure(hearing_days=1, appeal_answer_days=5))
    assert problem_code(await assembly.decide(proposed, "adoption")) == "notice_still_open"
    remark_id = await assembly.object(proposed)
    assembly.end_notice()
    alone = await assembly.decide(proposed, "adoption", by="committee-1")
    assert problem_code(alone) == "decider_is_proposer"
    assert problem_code(await assembly.decide(proposed, "adoption")) == "objections_unanswered"
    await assembly.answer(proposed, remark_id, is_upheld=False)
    assert await assembly.read(READ) == PROCEDURE
    adopted = await assembly.adopt(proposed)

    in_force = PROCEDURE | {"hearing_days": 1, "appeal_answer_days": 5}
    assert await assembly.read(READ) == in_force
    assert await assembly.adopt(proposed) == adopted
    # It still tells what it was changed from.
    assert adopted["changes"] == proposed["changes"]
    told = await assembly.read("/v1/me/messages", by="committee-1")
    assert told["items"][0]["body"] == "您提出的规则变更“提高问卷积分”已通过，办理期限即时生效。"
    assert await Assembly(elsewhere, assembly.clock).read(READ) == PROCEDURE


async def test_a_shorter_hearing_ends_none_that_runs(assembly: Assembly, desk: Desk) -> None:
    await desk.hear_for(3)
    proposed = await assembly.propose(procedure(hearing_days=1))
    assembly.end_notice()
    await desk.here.give("resident-1", "mediation")
    first, until = await heard_until(desk)
    await assembly.adopt(proposed)
    second, sooner = await heard_until(desk)

    assert (sooner, until) == ("2026-11-27T16:00:00Z", "2026-11-29T16:00:00Z")
    assembly.let_pass(days=2)
    assert problem_code(await desk.decide(first, "approval")) == "not_heard_yet"
    assert (await desk.read(first))["heard_until"] == until
    assert (await desk.decide(second, "approval")).status_code == 200


async def test_a_shorter_notice_ends_none_that_runs(assembly: Assembly) -> None:
    days = await assembly.propose(procedure(rule_notice_days=2))
    assembly.let_pass(days=7)
    running = await assembly.propose(effective_on="2026-12-31")
    assembly.let_pass(days=1)
    await assembly.adopt(days)

    assembly.let_pass(days=4)
    assert problem_code(await assembly.decide(running, "adoption")) == "notice_still_open"
    sooner = await assembly.propose(change("story_evening", "end"), effective_on="2026-12-04")
    assert sooner["notice_until"] == "2026-12-02T16:00:00Z"
    assert (await assembly.read(f"/v1/notices/{running['notice_id']}"))["state"] == "open"


async def test_rules_and_procedure_change_together_and_a_rule_may_bear_its_name(
    assembly: Assembly,
) -> None:
    named: dict[str, Any] = {"name": "程序宣讲", "category": "council", "points": 2}
    proposed = await assembly.propose(procedure(repair_days=60), change())
    rule = await assembly.propose(change("procedure", "new", **named))
    other = await assembly.try_propose(change("procedure", "new", **named))
    assert problem_code(other) == "rule_change_pending"
    assembly.end_notice()
    assert (await assembly.adopt(rule))["rule_codes"] == ["procedure"]
    assert await assembly.read(READ) == PROCEDURE
    adopted = await assembly.adopt(proposed)

    assert [found["kind"] for found in adopted["changes"]] == ["change", "procedure"]
    assert adopted["rule_codes"] == ["survey"]
    assert (await assembly.read(READ))["repair_days"] == 60
    history = await assembly.read("/v1/rules/survey/versions")
    assert history["items"][0]["effective_from"] == adopted["effective_from"]
    told = await assembly.read("/v1/me/messages", by="committee-1")
    assert told["items"][0]["body"] == (
        "您提出的规则变更“提高问卷积分”已通过，规则自 2026 年 11 月 27 日起生效，办理期限即时生效。"
    )


async def test_days_left_out_are_as_in_ordinary_communities(assembly: Assembly) -> None:
    proposed = await assembly.propose({"kind": "procedure", "terms": {"appeal_days": 20}})
    assert [found["field"] for found in proposed["changes"][0]["differences"]] == [
        "hearing_days", "appeal_days",
    ]  # fmt: skip


async def test_a_procedure_that_is_not_as_it_was_shown_is_not_overwritten(
    assembly: Assembly, sessionmaker: Sessions
) -> None:
    proposed = await assembly.propose(procedure(repair_days=60), change())
    assembly.end_notice()
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE procedures SET appeal_days = 40 WHERE community_id = :community_id"),
            {"community_id": assembly.here.community_id},
        )
    refused = await assembly.decide(proposed, "adoption")
    assert refused.json().items() >= {
        "code": "rule_changed_meanwhile", "rule_code": "procedure"}.items()  # fmt: skip
    # Nothing of it was adopted.
    assert (await assembly.read(READ))["repair_days"] == 30
    assert len((await assembly.read("/v1/rules/survey/versions"))["items"]) == 1


async def test_a_procedure_that_was_turned_down_changes_nothing(assembly: Assembly) -> None:
    proposed = await assembly.propose(procedure(hearing_days=1))
    assembly.end_notice()
    rejected = await assembly.decide(proposed, "rejection", reason="居民意见较大")
    assert rejected.json()["state"] == "rejected"
    assert await assembly.read(READ) == PROCEDURE
