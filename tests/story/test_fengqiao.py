"""枫桥: a town settles its matters itself, and whoever is not content is heard.

Patrols count double by night; what a mediator claims is read by two, shown to everybody, and open
to objections; a refusal goes before somebody who had no part in it. Rules change by notice only.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.access import Role
from app.setup.presets import read_preset
from tests.story.village import FoundVillage, Village
from tests.support.caller import problem_code
from tests.support.photos import let_check_pass, send_photo

# Three in the afternoon in Shanghai.
WEDNESDAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
DEED = "调解两户因晾晒占道发生的争执，双方握手言和"
CHANGES = "/v1/staff/rule-changes"


def at(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    """Return a moment as clocks in Shanghai show it."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


async def test_a_town_patrols_mediates_objects_and_appeals(found_village: FoundVillage) -> None:
    town: Village = await found_village("fengqiao", WEDNESDAY)
    await a_round_by_night_counts_double_and_one_at_noon_does_not(town)
    await caps_are_hit_and_said_in_words(town)
    hers, his = await two_mediators_claim_and_two_others_review(town)
    notice_id = await everybody_reads_the_list(town, hers)
    await one_objection_is_dismissed_and_one_upheld(town, notice_id, hers, his)
    await the_uninvolved_auditor_decides_his_appeal(town, his)
    await town.audit()


async def test_a_town_changes_a_rule_serves_those_without_phones_and_forgets_slowly(
    found_village: FoundVillage,
) -> None:
    town: Village = await found_village("fengqiao", WEDNESDAY)
    await residents_learn(town)
    change = await the_committee_proposes_twelve_for_a_round(town)
    await an_objection_must_be_answered_before_it_is_adopted(town, change)
    await a_worker_claims_for_a_neighbour_with_a_paper_card(town)
    await from_its_day_on_a_round_counts_twelve(town)
    await what_was_done_before_is_judged_by_the_version_of_before(town)
    await after_a_year_half_of_what_nobody_touched_is_left(town)
    await town.audit()


# Patrols.


async def a_round_by_night_counts_double_and_one_at_noon_does_not(town: Village) -> None:
    await town.until(at(18, 21, 59))
    (before,) = await town.attends("resident-2", rule="patrol_round", title="晚间巡逻")
    await town.until(at(18, 22))
    (night,) = await town.attends("resident-1", rule="patrol_round", title="夜间巡逻")
    await town.until(at(19, 5, 59))
    (dawn,) = await town.attends("resident-2", rule="patrol_round", title="夜间巡逻")
    await town.until(at(19, 12))
    (noon,) = await town.attends("resident-1", rule="patrol_round", title="午间巡逻")

    gained = [one["points_gained"] for one in (before, night, dawn, noon)]
    assert gained == [10, 20, 20, 10]
    assert (await town.says("resident-1", night["contribution_id"]))[0] == (
        "义务巡逻：每次 10 分 × 1 次 = 10 分；“夜间巡逻双倍积分”加 10 分；本次计入 20 分。"
    )
    assert (await town.says("resident-1", noon["contribution_id"]))[0] == (
        "义务巡逻：每次 10 分 × 1 次 = 10 分；本次计入 10 分。"
    )


async def caps_are_hit_and_said_in_words(town: Village) -> None:
    await town.until(at(19, 12, 59))
    (too_soon,) = await town.attends("resident-1", rule="patrol_round")
    assert (too_soon["points_gained"], too_soon["is_capped"]) == (0, True)
    assert (await town.says("resident-1", too_soon["contribution_id"]))[0] == (
        "义务巡逻：每次 10 分 × 1 次 = 10 分；两次之间须隔 60 分钟，本次计入 0 分。"
    )
    for hour in (13, 14):
        await town.until(at(19, hour))
        (round_,) = await town.attends("resident-1", rule="patrol_round")
        assert (round_["points_gained"], round_["is_capped"]) == (10, False)
    await town.until(at(19, 15))

    (fourth,) = await town.attends("resident-1", rule="patrol_round")

    assert (fourth["points_gained"], fourth["balance_points"]) == (0, 50)
    assert (await town.says("resident-1", fourth["contribution_id"]))[0] == (
        "义务巡逻：每次 10 分 × 1 次 = 10 分；当日上限 3 次，本次计入 0 分。"
    )


# Mediation: two reviews, a public list, objections, an appeal.


async def two_mediators_claim_and_two_others_review(town: Village) -> tuple[str, str]:
    await town.until(at(19, 16))
    short = await town.tries_to_claim("resident-1", "mediation", note="调解了")
    assert problem_code(short) == "proof_note_missing"
    claimed = {"note": DEED, "shows_deed": True}
    hers = (await town.claims("resident-1", "mediation", has_photo=True, **claimed))["claim_id"]
    his = (await town.claims("resident-2", "mediation", note="调解楼道堆物纠纷一起"))["claim_id"]
    await her_household_may_review_others_only(town, hers)

    assert await town.approve(hers, "reviewer-1", "reviewer-1") == "in_review"
    assert await town.approve(hers, "worker-1") == "approved"
    assert await town.approve(his, "reviewer-1", "committee-2") == "approved"

    seen = await town.read("auditor-1", "/v1/notices")
    assert seen["items"] == []
    assert (await town.points("resident-1"), await town.points("resident-2")) == (50, 30)
    return hers, his


async def her_household_may_review_others_only(town: Village, hers: str) -> None:
    """She herself and the husband who lives with her are both reviewers."""
    await town.grants("resident-1", Role.REVIEWER)
    await town.moves_in("husband", "王建军", building=1, room="1-101")
    await town.grants("husband", Role.REVIEWER)
    for name, code in (("resident-1", "own_claim"), ("husband", "same_household")):
        refused = await town.reviews(name, hers)
        assert (refused.status_code, problem_code(refused)) == (403, code)
    queue = (await town.read("husband", "/v1/staff/claims"))["items"]
    assert [(one["masked_name"], one["may_review"]) for one in queue] == [
        ("王*四", False), ("李*", True),
    ]  # fmt: skip


async def everybody_reads_the_list(town: Village, hers: str) -> str:
    """Return the notice; what she did is read by others once somebody has looked at the words."""
    await town.until(at(20, 9, 30))
    await town.comes_round("every_morning")
    (notice,) = (await town.public("/notices"))["items"]
    assert (notice["kind"], notice["state"], notice["title"]) == (
        "award_list", "open", "积分公示名单 2026-11-20",
    )  # fmt: skip
    # Five full days, to the end of the 25th.
    assert notice["closes_at"] == "2026-11-25T16:00:00Z"
    path = f"/notices/{notice['notice_id']}/awards"
    lines = (await town.public(path))["items"]
    assert [(line["masked_name"], line["asked_points"], line["deed"]) for line in lines] == [
        ("王*四", 20, None), ("李*", 20, None),
    ]  # fmt: skip

    await let_check_pass(await town.caller("worker-1"), hers)

    assert [line["deed"] for line in (await town.public(path))["items"]] == [DEED, None]
    assert lines[0]["line_id"] == hers
    return str(notice["notice_id"])


async def one_objection_is_dismissed_and_one_upheld(
    town: Village, notice_id: str, hers: str, his: str
) -> None:
    against_her = await town.objects("resident-3", notice_id, "当天她好像不在家", hers)
    against_him = await town.objects("resident-6", notice_id, "这件事是楼长调解的", his)
    await town.until(at(25, 12))
    await town.answers(
        "committee-1", notice_id, against_him, "经核实主要由楼长调解", is_upheld=True
    )
    await town.until(at(26, 0))
    await town.runs("settle_award_lists")
    states = {name: (await town.claim(name, claim))["state"] for name, claim in (
        ("resident-1", hers), ("resident-2", his))}  # fmt: skip
    assert states == {"resident-1": "in_notice", "resident-2": "refused"}

    answer = "双方当事人均证实她在场"
    await town.answers("committee-1", notice_id, against_her, answer, is_upheld=False)
    await town.runs("settle_award_lists")

    claim = await town.claim("resident-1", hers)
    assert (claim["state"], claim["granted_points"]) == ("awarded", 20)
    assert await town.newest("resident-1") == (
        "积分申报已通过", "您申报的“矛盾调解”已通过，获得 20 分。",
    )  # fmt: skip
    title, told = await town.newest("resident-3")
    assert (title, answer in told) == ("您的异议未被采纳", True)
    assert "原因：经核实主要由楼长调解。" in (await town.newest("resident-2"))[1]
    assert (await town.points("resident-1"), await town.points("resident-2")) == (70, 30)


async def the_uninvolved_auditor_decides_his_appeal(town: Village, his: str) -> None:
    await town.until(at(27, 10))
    text = "楼长只是后来到场，调解协议由我起草并经双方签字。"
    appeal_id = await town.appeals("resident-2", "refusal", his, text)
    outcome = "经询问双方当事人并查看调解协议，调解确由申诉人完成。"
    for name in ("committee-1", "committee-2"):  # one answered the objection, one reviewed
        involved = await town.decides(name, appeal_id, "upheld", outcome)
        assert problem_code(involved) == "you_were_involved"
    (queued,) = (await town.read("auditor-1", "/v1/staff/appeals"))["items"]
    assert (queued["appeal_id"], queued["may_decide"]) == (appeal_id, True)

    decided = await town.decides("auditor-1", appeal_id, "upheld", outcome)

    assert decided.status_code == 200, decided.text
    assert (decided.json()["state"], decided.json()["effects"]["granted_points"]) == ("upheld", 20)
    claim = await town.claim("resident-2", his)
    assert (claim["state"], claim["granted_points"]) == ("awarded_on_appeal", 20)
    title, told = await town.newest("resident-2")
    assert (title, "20 分" in told, outcome in told) == ("申诉成立", True, True)
    sentences = await town.says("resident-2", claim["contribution_id"])
    assert sentences[0] == "矛盾调解：每次 20 分 × 1 次 = 20 分；本次计入 20 分。"
    assert "监督员" in sentences[-1]
    assert await town.points("resident-2") == 50


# Learning, a rule that changes, paper cards, and half-life.


async def residents_learn(town: Village) -> None:
    learned = await town.attends(
        "resident-5", "resident-6", rule="training_class", title="防诈骗讲座"
    )
    assert [one["points_gained"] for one in learned] == [5, 5]


async def the_committee_proposes_twelve_for_a_round(town: Village) -> dict[str, Any]:
    terms = stated("patrol_round") | {"points": 12}
    change = {"kind": "change", "code": "patrol_round", "terms": terms}
    body = {
        "title": "提高巡逻积分",
        "reason": "入冬以后夜间值守辛苦，巡逻人手不足",
        "changes": [change],
        "effective_on": "2026-11-28",
    }
    committee = await town.caller("committee-1")
    too_early = await committee.post_once(CHANGES, body)
    assert problem_code(too_early) == "effective_too_early"

    proposed = await committee.post_once(CHANGES, body | {"effective_on": "2026-12-01"})

    assert proposed.status_code == 201, proposed.text
    read: dict[str, Any] = proposed.json()
    (only,) = read["changes"]
    assert only["differences"] == [{"field": "points", "before": 10, "after": 12}]
    # Ten full days.
    assert read["notice_until"] == "2026-11-28T16:00:00Z"
    shown = await town.public(f"/rule-changes/{read['rule_change_id']}")
    assert (shown["title"], shown["state"]) == ("提高巡逻积分", "in_notice")
    return read


def stated(code: str) -> dict[str, Any]:
    """Return a rule as the preset states it."""
    (rule,) = (rule for rule in read_preset("fengqiao").rules if rule.code == code)
    return rule.model_dump(mode="json")


async def an_objection_must_be_answered_before_it_is_adopted(
    town: Village, change: dict[str, Any]
) -> None:
    path = f"{CHANGES}/{change['rule_change_id']}/adoption"
    notice_id = change["notice_id"]
    objection = await town.objects("resident-4", notice_id, "其他志愿服务也应一并提高")
    early = await (await town.caller("committee-2")).post(path)
    assert problem_code(early) == "notice_still_open"
    await town.until(at(29, 10))
    own = await (await town.caller("committee-1")).post(path)
    assert problem_code(own) == "decider_is_proposer"
    unanswered = await (await town.caller("committee-2")).post(path)
    assert problem_code(unanswered) == "objections_unanswered"

    answer = "其他规则明年统一研究"
    await town.answers("committee-2", notice_id, objection, answer, is_upheld=False)
    adopted = await (await town.caller("committee-2")).post(path)

    assert (adopted.status_code, adopted.json()["state"]) == (200, "adopted")
    assert adopted.json()["effective_from"] == "2026-11-30T16:00:00Z"
    assert await town.newest("committee-1") == (
        "规则变更已通过", "您提出的规则变更“提高巡逻积分”已通过，自 2026 年 12 月 1 日起生效。",
    )  # fmt: skip


async def a_worker_claims_for_a_neighbour_with_a_paper_card(town: Village) -> None:
    worker = await town.resident("worker-1")
    body = {
        "name": "周秀兰",
        "building_id": str(town.here.places.buildings[0]),
        "room": "1-102",
    }
    registered = await worker.post_once("/v1/staff/residents", body)
    resident_id = registered.json()["resident_id"]
    card = await worker.post_once(f"/v1/staff/residents/{resident_id}/card")
    assert card.status_code == 201, card.text
    claim = {
        "resident_code": card.json()["token"],
        "rule_code": "patrol_round",
        "mode": "offline",
        "acted_at": at(29, 8).isoformat(),
        "acted_until": at(29, 9).isoformat(),
        "photo_ids": [await send_photo(worker)],
    }

    entered = await worker.post_once("/v1/staff/claims", claim)

    assert (entered.status_code, entered.json()["state"]) == (201, "in_review")
    claim_id = entered.json()["claim_id"]
    assert problem_code(await town.reviews("worker-1", claim_id)) == "entered_by_you"
    assert await town.approve(claim_id, "reviewer-1") == "awarded"
    seen = await town.read("committee-1", f"/v1/staff/claims/{claim_id}")
    assert (seen["masked_name"], seen["is_entered_by_staff"]) == ("周*兰", True)
    assert seen["granted_points"] == 10


async def from_its_day_on_a_round_counts_twelve(town: Village) -> None:
    await town.until(at(30, 21, 30))
    (last,) = await town.attends("resident-1", rule="patrol_round")
    await town.until(at(1, 12, month=12))
    (first,) = await town.attends("resident-1", rule="patrol_round")
    await town.until(at(1, 23, month=12))
    (night,) = await town.attends("resident-1", rule="patrol_round")

    assert [one["points_gained"] for one in (last, first, night)] == [10, 12, 24]
    sum_, version = (await town.says("resident-1", first["contribution_id"]))[:2]
    assert sum_ == "义务巡逻：每次 12 分 × 1 次 = 12 分；本次计入 12 分。"
    assert version == (
        "依据积分规则“义务巡逻”第 2 版（2026 年 12 月 1 日起施行），"
        "该版由“提高巡逻积分”经公示通过。"
    )


async def what_was_done_before_is_judged_by_the_version_of_before(town: Village) -> None:
    """On 2 December she claims a round of 30 November."""
    await town.until(at(2, 9, month=12))
    filed = await town.claims(
        "resident-2", "patrol_round", has_photo=True,
        mode="offline", acted_at=at(30, 10).isoformat(), acted_until=at(30, 11).isoformat(),
    )  # fmt: skip
    assert filed["worth_points"] == 10
    assert await town.approve(filed["claim_id"], "worker-1") == "awarded"
    claim = await town.claim("resident-2", filed["claim_id"])
    sentences = await town.says("resident-2", claim["contribution_id"])
    assert (claim["granted_points"], await town.points("resident-2")) == (10, 10)
    assert "第 1 版" in sentences[1]


async def after_a_year_half_of_what_nobody_touched_is_left(town: Village) -> None:
    await town.until(at(1, 12, month=11, year=2027))
    await town.runs("decay_points")
    assert await town.points("resident-1") == 46
    await town.until(at(3, 12, month=12, year=2027))

    await town.comes_round("every_night")

    left = [await town.points(f"resident-{number}") for number in (1, 2, 5)]
    assert left == [23, 5, 3]  # of five, the odd point stays
    (line,) = (await town.read("resident-1", "/v1/me/statement", kind="decay"))["items"]
    assert (line["points"], line["memo"]) == (-23, "积分长期未使用，减少 50%")
