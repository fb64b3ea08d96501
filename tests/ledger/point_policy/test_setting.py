"""The policy is public; the committee sets it, and what it says counts from then on."""

import asyncio
from typing import Any

import pytest

from tests.conftest import MakeRace
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.policies import SIX_MONTHS, YEAR_END, Town, put_policy

PATH = "/v1/point-policy"
STAFF_PATH = "/v1/staff/point-policy"
HALVED = {"months": 12, "percent": 50}
WAITING = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'apply_point_policy'"


@pytest.mark.parametrize("name", ["resident-1", "worker-1", "clerk-1", "committee-1"])
async def test_whoever_belongs_to_a_community_reads_its_policy(town: Town, name: str) -> None:
    policy = await town.read(name, PATH)
    assert (policy["version"], policy["expiry"]["kind"]) == (1, "never")
    assert (policy["lowest_points"], policy["notice_days"]) == (0, [30, 7])
    assert (policy["expiry_since"], policy["decay"], policy["gifts"]) == (None, None, None)


async def test_what_the_committee_sets_is_in_force_at_once(town: Town) -> None:
    answered = await put_policy(
        town.here, expiry=YEAR_END, decay=HALVED, lowest_points=-20, notice_days=[7, 60, 7],
        savings={"is_exempt": False}, gifts={"max_points_per_month": 100},
    )  # fmt: skip

    assert await town.read("resident-1", PATH) == answered
    assert answered == {
        "version": 2,
        "expiry": {"kind": "year_end", "months": None, "grace_days": 31},
        "expiry_since": "2026-11-18T07:00:00Z",
        "decay": {"months": 12, "percent": 50},
        "decay_since": "2026-11-18T07:00:00Z",
        "savings": {"is_exempt": False, "withdrawal_days": 30},
        "gifts": {"max_points_per_month": 100},
        "lowest_points": -20,
        "notice_days": [60, 7],
        "published_at": "2026-11-18T07:00:00Z",
    }
    assert await town.ask(WAITING) == 1


@pytest.mark.parametrize(
    "again",
    [
        {"expiry": {"kind": "year_end", "grace_days": 0}, "notice_days": [30, 7]},
        {"expiry": {"kind": "year_end"}, "notice_days": [7, 30, 7]},
        {"expiry": {"kind": "year_end"}, "lowest_points": 0},
    ],
)
async def test_the_same_terms_again_change_nothing(town: Town, again: dict[str, Any]) -> None:
    first = await put_policy(town.here, expiry={"kind": "year_end"})
    await town.until(town.clock.now.replace(hour=9))

    assert await put_policy(town.here, **again) == first
    assert await town.ask(WAITING) == 1


async def test_a_part_that_stays_counts_from_when_it_was_set(town: Town) -> None:
    first = await put_policy(town.here, expiry=SIX_MONTHS)
    await town.until(town.clock.now.replace(day=20))
    second = await put_policy(town.here, expiry=SIX_MONTHS, decay=HALVED)
    await town.until(town.clock.now.replace(day=22))
    third = await put_policy(town.here, expiry=SIX_MONTHS, decay=HALVED, lowest_points=-5)
    fourth = await put_policy(town.here, expiry=YEAR_END, decay=HALVED)
    fifth = await put_policy(town.here)

    since = [(one["expiry_since"], one["decay_since"]) for one in (first, second, third, fourth)]
    wednesday, friday, sunday = (f"2026-11-{day}T07:00:00Z" for day in (18, 20, 22))
    assert since == [
        (wednesday, None), (wednesday, friday), (wednesday, friday), (sunday, friday),
    ]  # fmt: skip
    assert (fifth["version"], fifth["expiry_since"], fifth["decay_since"]) == (6, None, None)


async def test_what_always_stood_is_not_made_to_count_from_later(town: Town) -> None:
    """Points of before were given under it, and knew."""
    await town.do(
        """INSERT INTO point_policies (community_id, version, expiry, lowest_points, notice_days,
            published_at)
        VALUES (:community, 2, '{"kind": "year_end"}', 0, '[]', now())"""
    )
    policy = await put_policy(town.here, expiry={"kind": "year_end"}, lowest_points=-1)
    assert (policy["version"], policy["expiry_since"]) == (3, None)


@pytest.mark.parametrize("name", ["resident-1", "worker-1", "clerk-1"])
async def test_only_the_committee_sets_the_policy(town: Town, name: str) -> None:
    answer = await (await town.caller(name)).put(STAFF_PATH, {"expiry": YEAR_END})
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
    assert (await town.read("resident-1", PATH))["version"] == 1


async def test_nobody_reads_or_sets_a_policy_without_signing_in(here: Neighbourhood) -> None:
    for answer in (await here.http.get(PATH), await here.http.put(STAFF_PATH, json={})):
        assert (answer.status_code, problem_code(answer)) == (401, "unauthenticated")


async def test_a_policy_of_another_community_is_neither_seen_nor_set(
    town: Town, elsewhere: Neighbourhood
) -> None:
    await put_policy(elsewhere, expiry=YEAR_END, lowest_points=-50)

    mine = await town.read("resident-1", PATH)
    theirs = (await (await elsewhere.caller("resident-1")).get(PATH)).json()
    assert (mine["version"], mine["lowest_points"]) == (1, 0)
    assert (theirs["version"], theirs["lowest_points"]) == (2, -50)


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"expiry": {"kind": "months"}}, "/expiry/months"),
        ({"expiry": {"kind": "months", "months": 0}}, "/expiry/months"),
        ({"expiry": {"kind": "months", "months": 6, "grace_days": 3}}, "/expiry/grace_days"),
        ({"expiry": {"kind": "year_end", "months": 6}}, "/expiry/months"),
        ({"expiry": {"kind": "year_end", "grace_days": 367}}, "/expiry/grace_days"),
        ({"expiry": {"kind": "never", "grace_days": 3}}, "/expiry/grace_days"),
        ({"expiry": {"kind": "community"}}, "/expiry/kind"),
        ({"decay": {"months": 12, "percent": 0}}, "/decay/percent"),
        ({"decay": {"months": 12, "percent": 101}}, "/decay/percent"),
        ({"savings": {"withdrawal_days": -1}}, "/savings/withdrawal_days"),
        ({"gifts": {}}, "/gifts/max_points_per_month"),
        ({"lowest_points": 1}, "/lowest_points"),
        ({"lowest_points": -10_001}, "/lowest_points"),
        ({"notice_days": [91]}, "/notice_days/0"),
        ({"notice_days": [1, 2, 3, 4, 5]}, "/notice_days"),
        ({"version": 7}, "/version"),
    ],
)
async def test_terms_that_make_no_sense_are_refused_by_their_place(
    town: Town, terms: dict[str, Any], pointer: str
) -> None:
    answer = await (await town.caller("committee-1")).put(STAFF_PATH, terms)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/body{pointer}"]


async def test_versions_set_at_once_follow_one_another(race: MakeRace) -> None:
    here = await race(1)
    committee = await here.caller("committee-1")
    answers = await asyncio.gather(
        *(committee.put(STAFF_PATH, {"lowest_points": -points}) for points in range(1, 7))
    )

    assert [answer.status_code for answer in answers] == [200] * 6
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4, 5, 6, 7]
    newest = max(answers, key=lambda answer: int(answer.json()["version"])).json()
    assert (await committee.get(PATH)).json() == newest


async def test_the_same_terms_sent_at_once_are_one_version(race: MakeRace) -> None:
    here = await race(1)
    committee = await here.caller("committee-1")
    answers = await asyncio.gather(
        *(committee.put(STAFF_PATH, {"lowest_points": -9}) for _ in range(6))
    )
    assert {(answer.status_code, answer.json()["version"]) for answer in answers} == {(200, 2)}
