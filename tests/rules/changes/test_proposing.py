"""What a proposal must be like to be put to notice."""

from typing import Any

import pytest

from tests.rules.changes.proposing import CHANGES, EARLIEST, SURVEY, Assembly, change, procedure
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

REFUSED = [
    ([change(points=5)], {}, "nothing_changes"),
    ([change("story_evening", "new")], {}, "rule_code_taken"),
    ([change("no_such_rule")], {}, "rule_not_found"),
    ([change("no_such_rule", "end")], {}, "rule_not_found"),
    ([change(category="nowhere")], {}, "rule_category_not_found"),
    ([change(), change("survey", "end")], {}, "rule_named_twice"),
    ([change()], {"effective_on": "2026-11-26"}, "effective_too_early"),
    ([change()], {"effective_on": "2026-11-01"}, "effective_too_early"),
    ([change()], {"notice_days": 6}, "notice_too_short"),
    ([change()], {"notice_days": 8}, "effective_too_early"),
    ([], {}, "request_invalid"),
    ([{"kind": "change", "code": "survey"}], {}, "request_invalid"),
    ([change() | {"kind": "end"}], {}, "request_invalid"),
    ([change() | {"code": "other_code", "terms": {**SURVEY, "code": "survey"}}], {},
     "request_invalid"),
    ([procedure()], {}, "nothing_changes"),
    ([procedure(hearing_days=1), procedure(hearing_days=2)], {}, "rule_named_twice"),
    ([procedure(hearing_days=1)], {"notice_days": 6}, "notice_too_short"),
    ([{"kind": "procedure"}], {}, "request_invalid"),
    *(([procedure(**days)], {}, "request_invalid") for days in (
        {"rule_notice_days": 0}, {"hearing_days": 61}, {"repair_days": 0}, {"appeal_days": 367},
        {"appeal_answer_days": 91}, {"other_days": 1},
    )),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "fields", "code"), REFUSED)
async def test_what_cannot_be_adopted_is_refused_when_it_is_proposed(
    assembly: Assembly, changes: list[dict[str, Any]], fields: dict[str, Any], code: str
) -> None:
    answer = await assembly.try_propose(changes=changes, **fields)
    assert problem_code(answer) == code
    assert (await assembly.read("/v1/notices"))["items"] == []


async def test_the_refusal_names_the_first_day_that_would_do(assembly: Assembly) -> None:
    answer = await assembly.try_propose(effective_on="2026-11-26")
    assert answer.json()["earliest_on"] == EARLIEST
    asked = await assembly.propose(notice_days=20, effective_on="2026-12-10")
    assert asked["notice_until"] == "2026-12-08T16:00:00Z"


async def test_terms_may_name_their_code_and_caps_in_another_order_change_nothing(
    assembly: Assembly,
) -> None:
    caps = [{"period": "month", "points": 300}, {"period": "day", "points": 80}]
    terms = {
        "code": "volunteer_hour", "name": "志愿服务", "category": "helping", "unit": "hour",
        "points": 10, "max_units": 8,
    }  # fmt: skip
    first = {"kind": "change", "code": "volunteer_hour", "terms": terms | {"caps": caps}}
    proposed = await assembly.propose(first)
    assert "caps" in {found["field"] for found in proposed["changes"][0]["differences"]}
    assembly.end_notice()
    await assembly.adopt(proposed)
    again = first | {"terms": terms | {"caps": caps[::-1]}}
    answer = await assembly.try_propose(again, effective_on="2026-12-30")
    assert problem_code(answer) == "nothing_changes"


async def test_a_rule_waits_for_one_change_at_a_time(assembly: Assembly) -> None:
    first = await assembly.propose()
    second = await assembly.try_propose(change("survey", "end"))
    assert second.json().items() >= {"code": "rule_change_pending", "rule_code": "survey"}.items()
    withdrawn = await assembly.decide(first, "withdrawal", by="committee-1")
    assert withdrawn.json()["state"] == "withdrawn"
    await assembly.propose(change("survey", "end"))


async def test_the_procedure_waits_for_one_change_at_a_time(
    assembly: Assembly, elsewhere: Neighbourhood
) -> None:
    first = await assembly.propose(procedure(appeal_days=20))
    second = await assembly.try_propose(procedure(appeal_days=30), by="committee-2")
    assert second.json().items() >= {
        "code": "rule_change_pending", "rule_code": "procedure"}.items()  # fmt: skip
    await Assembly(elsewhere, assembly.clock).propose(procedure(appeal_days=30))
    await assembly.decide(first, "withdrawal", by="committee-1")
    await assembly.propose(procedure(appeal_days=30))


async def test_a_scheduled_version_can_be_changed_from_a_day_after_it_begins(
    assembly: Assembly,
) -> None:
    first = await assembly.propose(effective_on="2026-12-20")
    assembly.end_notice()
    await assembly.adopt(first)
    overtaking = await assembly.try_propose(change(points=9), effective_on="2026-12-20")
    assert overtaking.json()["earliest_on"] == "2026-12-21"
    second = await assembly.propose(change(points=9), effective_on="2026-12-21")
    assert second["changes"][0]["based_on"] == 2
    assert second["changes"][0]["sentence_before"] == "参加问卷：每次 8 分"


async def test_changes_of_another_community_are_not_there(
    assembly: Assembly, elsewhere: Neighbourhood
) -> None:
    proposed = await assembly.propose()
    number = proposed["rule_change_id"]
    resident = await elsewhere.caller("resident-1")
    assert problem_code(await resident.get(f"/v1/rule-changes/{number}")) == "rule_change_not_found"
    assert (await resident.get("/v1/rule-changes")).json()["items"] == []
    committee = await elsewhere.caller("committee-2")
    for decision in ("adoption", "rejection", "withdrawal"):
        body = {"reason": "不是我们的"} if decision == "rejection" else {}
        answer = await committee.post(f"{CHANGES}/{number}/{decision}", body)
        assert problem_code(answer) == "rule_change_not_found"
    # Anybody at all may read it under the community's own address, and under no other.
    http = assembly.here.http
    for community_id, shown in (
        (assembly.here.community_id, [number]),
        (elsewhere.community_id, []),
    ):
        public = f"/v1/public/communities/{community_id}/rule-changes"
        assert (await http.get(f"{public}/{number}")).status_code == (200 if shown else 404)
        under = await http.get(public, params={"notice_id": proposed["notice_id"]})
        assert [found["rule_change_id"] for found in under.json()["items"]] == shown
