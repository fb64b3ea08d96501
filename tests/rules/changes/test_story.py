"""A change of rules from its proposal to the first act that it is judged by."""

from datetime import datetime, timedelta
from typing import Any

from tests.rules.changes.proposing import NOTICE_UNTIL, SURVEY, Assembly, change

MIDNIGHT = "2026-11-26T16:00:00Z"
PRESENTED = "今天去居委会参加了问卷"


async def award(assembly: Assembly, rule_code: str, acted_at: datetime) -> int:
    """Award resident-1 for an act at that time; return what was granted."""
    body = assembly.here.posting(
        "award", "resident-1", rule_code=rule_code, acted_at=acted_at.isoformat(),
        reason=PRESENTED,
    )  # fmt: skip
    posting = await assembly.here.post_by_hand(body)
    granted: int = posting["result"]["moved_points"]
    return granted


async def rule(assembly: Assembly, code: str, **params: Any) -> dict[str, Any] | None:
    book = await assembly.read("/v1/rules", **params)
    return next((found for found in book["items"] if found["code"] == code), None)


async def test_everybody_reads_what_would_change_before_it_is_decided(assembly: Assembly) -> None:
    proposed = await assembly.propose(
        change(), change("new_patrol", "new", name="夜间巡逻", category="safety", points=10),
        change("story_evening", "end"),
    )  # fmt: skip
    assert proposed["state"] == "in_notice"
    assert proposed["notice_until"] == NOTICE_UNTIL
    assert proposed["effective_from"] == MIDNIGHT
    assert proposed["is_own"] is True

    # Everybody reads what would change, and says something to it.
    shown = await assembly.read(f"/v1/rule-changes/{proposed['rule_change_id']}")
    survey, patrol, story = shown["changes"]
    assert survey["differences"] == [{"field": "points", "before": 5, "after": 8}]
    assert survey["sentence_before"] == "参加问卷：每次 5 分"
    assert survey["sentence_after"] == "参加问卷：每次 8 分"
    assert (patrol["based_on"], patrol["sentence_before"]) == (None, None)
    assert {"field": "points", "before": None, "after": 10} in patrol["differences"]
    assert (story["name"], story["sentence_after"]) == ("故事会", None)
    assert shown["is_own"] is False
    notice = (await assembly.read("/v1/notices"))["items"][0]
    assert notice["notice_id"] == proposed["notice_id"]
    assert notice["closes_at"] == NOTICE_UNTIL
    under = await assembly.read("/v1/rule-changes", notice_id=notice["notice_id"])
    assert [found["rule_change_id"] for found in under["items"]] == [proposed["rule_change_id"]]


async def test_a_change_is_objected_to_answered_and_then_adopted(assembly: Assembly) -> None:
    proposed = await assembly.propose()
    remark_id = await assembly.object(proposed)
    early = await assembly.decide(proposed, "adoption")
    assert early.json()["code"] == "notice_still_open"
    assert early.json()["until"] == "2026-11-26T00:00+08:00"
    assembly.end_notice()
    waiting = await assembly.decide(proposed, "adoption")
    assert waiting.json().items() >= {"code": "objections_unanswered", "count": 1}.items()
    await assembly.answer(proposed, remark_id, is_upheld=False)
    adopted = await assembly.adopt(proposed)
    assert (adopted["state"], adopted["effective_from"]) == ("adopted", MIDNIGHT)
    inbox = await assembly.read("/v1/me/messages", by="resident-1")
    assert inbox["items"][0]["title"] == "您的异议未被采纳"
    told = await assembly.read("/v1/me/messages", by="committee-1")
    assert told["items"][0]["body"] == (
        "您提出的规则变更“提高问卷积分”已通过，自 2026 年 11 月 27 日起生效。"
    )


async def test_an_act_is_judged_by_the_version_of_its_own_moment(assembly: Assembly) -> None:
    proposed = await assembly.propose(effective_on="2026-11-28")
    assembly.end_notice()
    adopted = await assembly.adopt(proposed)
    assert await assembly.adopt(proposed) == adopted
    decided_at = assembly.clock.now
    begins = datetime.fromisoformat("2026-11-27T16:00:00+00:00")

    # Adopted, but not yet in force: the book shows the old version and until when it holds.
    now = await rule(assembly, "survey")
    assert now is not None
    assert (now["version"], now["points"]) == (1, 5)
    assert datetime.fromisoformat(now["effective_until"]) == begins
    coming = await rule(assembly, "survey", at=begins.isoformat())
    assert coming is not None
    assert (coming["version"], coming["points"]) == (2, 8)
    decided = {name: proposed[name] for name in ("rule_change_id", "notice_id")}
    assert coming.items() >= decided.items()
    assert datetime.fromisoformat(coming["adopted_at"]) == decided_at
    assert await award(assembly, "survey", decided_at) == 5

    assembly.let_pass(days=3)
    before, first = begins - timedelta(microseconds=1), begins
    assert [await award(assembly, "survey", moment) for moment in (before, first)] == [5, 8]
    history = await assembly.read("/v1/rules/survey/versions")
    assert [version["version"] for version in history["items"]] == [2, 1]
    assert history["items"][1]["rule_change_id"] is None
    assert history["items"][1]["effective_until"] == history["items"][0]["effective_from"]


async def test_rules_begin_and_end_together_as_the_day_begins(assembly: Assembly) -> None:
    proposed = await assembly.propose(
        change("story_evening", "end"),
        change("patrol", "new", name="夜间巡逻", category="safety", unit="hour", points=10,
               max_units=4),
    )  # fmt: skip
    assembly.end_notice()
    await assembly.adopt(proposed, effective_on="2026-12-01")
    last = datetime.fromisoformat("2026-11-30T15:59:59+00:00")
    assembly.let_pass(days=6)

    assert await award(assembly, "story_evening", last) == 15
    assert await rule(assembly, "story_evening") is None
    patrol = await rule(assembly, "patrol")
    assert patrol is not None
    assert patrol["sentence"] == "夜间巡逻：每小时 10 分，单次最多 4 小时"
    assert patrol["category_names"] == ["平安"]
    assert await rule(assembly, "patrol", at=last.isoformat()) is None
    committee = await assembly.here.caller("committee-1")
    body = assembly.here.posting("award", "resident-1", rule_code="story_evening", reason="好事")
    refused = await committee.post_once("/v1/staff/postings", body)
    assert refused.json()["code"] == "rule_not_found"
    # The code of a rule that has ended stays its own.
    taken = await assembly.try_propose(
        change("story_evening", "new", **SURVEY), effective_on="2026-12-20"
    )
    assert taken.json()["code"] == "rule_code_taken"


async def test_the_daily_check_in_gives_what_the_rule_of_the_day_says(assembly: Assembly) -> None:
    terms: dict[str, Any] = {
        "name": "每日签到", "category": "daily", "points": 3,
        "caps": [{"period": "day", "times": 1}],
    }  # fmt: skip
    proposed = await assembly.propose(change("daily_check_in", **terms))
    # It is Wednesday afternoon; the notice ends as Thursday week begins.
    assembly.let_pass(days=7, hours=10)
    await assembly.adopt(proposed)

    gained = []
    for _ in range(2):
        resident = await assembly.here.caller("resident-2")
        answer = await resident.post_once("/v1/me/daily-check-in")
        assert answer.status_code == 201, answer.text
        gained.append(answer.json()["points_gained"])
        assembly.let_pass(days=1)
    assert gained == [1, 3]
