"""What can be refused of a claim is refused when it is made."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from tests.contributions.claims.desk import CLAIMS, ClaimDesk
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood


def ago(**by: float) -> str:
    moment: datetime = NOW - timedelta(**by)
    return moment.isoformat()


WATCH: dict[str, Any] = {
    "note": "在东门值守，劝离两名可疑人员",
    "acted_at": ago(hours=3),
    "acted_until": ago(hours=1),
    "mode": "offline",
}


@pytest.mark.parametrize(
    ("rule", "fields", "code", "tells"),
    [
        ("no_such_rule", {}, "rule_not_found", {}),
        ("daily_check_in", {}, "not_claimable", {}),
        ("littered", {}, "not_claimable", {}),
        ("swept_stairs", {"units": 2}, "too_many_units", {"max_units": 1}),
        ("swept_stairs", {"acted_at": ago(seconds=-1)}, "act_in_the_future", {}),
        ("swept_stairs", {"acted_at": ago(days=60, seconds=1)}, "act_too_long_ago", {"days": 60}),
        (
            "swept_stairs",
            {"acted_at": ago(hours=1), "acted_until": ago(seconds=-1)},
            "act_in_the_future",
            {},
        ),
        (
            "swept_stairs",
            {"acted_at": ago(hours=1), "acted_until": ago(hours=1)},
            "act_ends_too_early",
            {},
        ),
        (
            "swept_stairs",
            {"acted_at": ago(days=9), "acted_until": ago(days=1)},
            "act_too_long",
            {"days": 7},
        ),
        ("planted", {}, "effort_missing", {}),
        ("taught_youth", {}, "not_for_you", {}),
        ("night_watch", {}, "proof_photo_missing", {}),
        ("swept_stairs", {"photo_ids": ["12345"]}, "evidence_photo_not_found", {}),
    ],
)
async def test_what_cannot_be_awarded_is_not_taken(
    desk: ClaimDesk, rule: str, fields: dict[str, Any], code: str, tells: dict[str, Any]
) -> None:
    answer = await desk.try_claim("resident-1", rule, **fields)
    assert problem_code(answer) == code
    assert tells.items() <= answer.json().items()
    assert (await desk.read("resident-1", CLAIMS))["items"] == []


async def test_evidence_that_a_rule_asks_for_must_be_there(desk: ClaimDesk) -> None:
    full = WATCH | {"photo_ids": [await desk.photo("resident-1")]}
    changes: list[tuple[dict[str, Any], str]] = [
        ({"photo_ids": []}, "proof_photo_missing"),
        ({"note": "在东门值守了一夜呢"}, "proof_note_missing"),
        ({"acted_until": None}, "proof_times_missing"),
        ({"units": 3}, "more_hours_than_times"),
        ({"mode": "online"}, "other_mode"),
        ({"photo_ids": [await desk.photo("resident-2")]}, "evidence_photo_not_found"),
    ]
    for change, code in changes:
        answer = await desk.try_claim("resident-1", "night_watch", **(full | change))
        assert problem_code(answer) == code
    # Ten characters and two hours for two units are enough.
    just_enough = full | {"note": "一二三四五六七八九十", "units": 2}
    assert (await desk.claim("resident-1", "night_watch", **just_enough))["worth_points"] == 12


async def test_a_rule_for_a_group_is_for_whoever_belongs_to_it(desk: ClaimDesk) -> None:
    await desk.do(
        "UPDATE residents SET audience = '[\"elder\"]' WHERE resident_id = :resident",
        resident=int(desk.here.resident_id("resident-1")),
    )
    claim_id = await desk.claimed("resident-1", "taught_youth")
    await desk.do("UPDATE residents SET audience = '[]'")
    # The group is asked again when points move.
    answer = await desk.review(claim_id, "reviewer-1")
    assert problem_code(answer) == "not_for_you"
    assert (await desk.own("resident-1", claim_id))["state"] == "in_review"


async def test_effort_decides_the_points(desk: ClaimDesk) -> None:
    claim_id = await desk.claimed("resident-1", "planted", effort="high")
    await desk.approve(claim_id, "reviewer-1")
    assert (await desk.own("resident-1", claim_id))["granted_points"] == 9


async def test_nothing_is_kept_of_somebody_who_has_not_agreed(desk: ClaimDesk) -> None:
    resident = await desk.here.caller("resident-3")
    answer = await resident.post_once(CLAIMS, {"rule_code": "read_tips"})
    assert problem_code(answer) == "consent_required"
    assert await desk.ask("SELECT count(*) FROM claims") == 0


async def test_claims_and_rules_of_another_community_are_not_there(
    desk: ClaimDesk, elsewhere: Neighbourhood
) -> None:
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    other = ClaimDesk(elsewhere, desk.sessions)
    answers = [
        await (await other.resident("resident-1")).get(f"{CLAIMS}/{claim_id}"),
        await (await other.resident("resident-1")).post(f"{CLAIMS}/{claim_id}/withdrawal"),
        await (await elsewhere.caller("reviewer-1")).get(f"/v1/staff/claims/{claim_id}"),
        await other.review(claim_id, "reviewer-1"),
    ]
    assert {problem_code(answer) for answer in answers} == {"claim_not_found"}
    assert problem_code(await other.try_claim("resident-1", "read_tips")) == "rule_not_found"
    assert await other.queue("committee-1") == []
