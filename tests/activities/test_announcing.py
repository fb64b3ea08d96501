"""Announcing, listing and cancelling activities."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.coordinates import Position, to_gcj02
from app.core.pagination import write_cursor
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.rules import add_rules

HOUR = timedelta(hours=1)
Times = dict[str, timedelta]


async def announce(
    here: Neighbourhood, now: datetime, *, name: str = "worker-1", **changes: Any
) -> httpx.Response:
    caller = await here.caller(name)
    body = {
        "title": "议事会",
        "rule_code": "council_meeting",
        "starts_at": now.isoformat(),
        "ends_at": (now + HOUR).isoformat(),
    }
    return await caller.post("/v1/staff/activities", body | changes)


def times_of(now: datetime, times: Times) -> dict[str, str]:
    return {name: (now + offset).isoformat() for name, offset in times.items()}


async def test_an_announced_activity_is_there_for_everybody(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    assert activity | {"activity_id": ""} == {
        "activity_id": "",
        "title": "周末大扫除",
        "location": "中心花园",
        "place": None,
        "units": 1,
        "grid_id": None,
        "starts_at": "2026-11-18T07:00:00Z",
        "ends_at": "2026-11-18T09:00:00Z",
        "check_in_opens_at": "2026-11-18T06:30:00Z",
        "check_in_closes_at": "2026-11-18T09:00:00Z",
        "state": "scheduled",
    }
    for name in ("resident-1", "worker-2", "clerk-1", "committee-1"):
        reader = await here.caller(name)
        assert (await reader.get(f"/v1/activities/{activity['activity_id']}")).json() == activity
        assert (await reader.get("/v1/activities")).json()["items"] == [activity]


async def test_a_place_is_kept_in_wgs84_and_shown_as_maps_in_china_show_it(
    here: Neighbourhood, clock: Clock, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    shown = to_gcj02(Position(31.2105, 121.4105))
    on_map = {"latitude": round(shown.latitude, 6), "longitude": round(shown.longitude, 6)}
    sent = {"latitude": shown.latitude, "longitude": shown.longitude}
    activity = await here.announce(clock.now, place=sent)
    same = await here.announce(
        clock.now,
        place={"latitude": 31.2105, "longitude": 121.4105, "coordinate_system": "wgs84"},
    )
    assert activity["place"] == same["place"] == on_map | {"coordinate_system": "gcj02"}
    resident = await here.caller("resident-1")
    code = {"code": await here.poster(activity)}
    assert (await resident.post("/v1/me/check-ins", code)).status_code == 201
    async with sessionmaker() as session:
        for table in ("activities", "contributions"):
            rows = await session.execute(text(f"SELECT latitude, longitude FROM {table}"))  # noqa: S608
            for row in rows:
                assert row.latitude == pytest.approx(31.2105, abs=1e-6)
                assert row.longitude == pytest.approx(121.4105, abs=1e-6)


@pytest.mark.parametrize(
    "place",
    [
        {"latitude": 91, "longitude": 121},
        {"latitude": 31},
        {"latitude": 31, "longitude": 121, "coordinate_system": "bd09"},
    ],
    ids=str,
)
async def test_a_place_that_is_nowhere_is_refused(
    here: Neighbourhood, clock: Clock, place: dict[str, Any]
) -> None:
    assert (await announce(here, clock.now, place=place)).status_code == 422


@pytest.mark.parametrize(
    "times",
    [
        {"ends_at": timedelta(0)},
        {"ends_at": -HOUR},
        {"ends_at": timedelta(days=7, seconds=1)},
        {"check_in_opens_at": timedelta(seconds=1)},
        {"check_in_opens_at": timedelta(days=-7)},
        {"check_in_closes_at": timedelta(minutes=-30)},
        {"check_in_closes_at": timedelta(0)},
        {"check_in_closes_at": timedelta(days=8)},
        {"starts_at": timedelta(hours=-3), "ends_at": timedelta(hours=-2)},
        {"starts_at": timedelta(hours=-1), "ends_at": timedelta(0)},
        {"starts_at": timedelta(seconds=0.2), "ends_at": timedelta(seconds=0.8)},
    ],
    ids=str,
)
async def test_times_that_make_no_sense_are_refused(
    here: Neighbourhood, clock: Clock, times: Times
) -> None:
    answer = await announce(here, clock.now, **times_of(clock.now, times))
    assert (answer.status_code, problem_code(answer)) == (422, "activity_times_wrong")


@pytest.mark.parametrize(
    "times",
    [
        {"ends_at": timedelta(days=6)},
        {"starts_at": -HOUR, "ends_at": timedelta(seconds=1)},
        {"check_in_opens_at": timedelta(0)},
        {"check_in_opens_at": timedelta(days=-6)},
        {"check_in_closes_at": timedelta(minutes=1)},
        {"check_in_closes_at": timedelta(hours=3)},
        {"starts_at": timedelta(days=300), "ends_at": timedelta(days=300, hours=2)},
    ],
    ids=str,
)
async def test_times_that_make_sense_are_taken(
    here: Neighbourhood, clock: Clock, times: Times
) -> None:
    answer = await announce(here, clock.now, **times_of(clock.now, times))
    assert answer.status_code == 201, answer.text
    for name, offset in times.items():
        assert datetime.fromisoformat(answer.json()[name]) == clock.now + offset


async def test_fractions_of_a_second_are_cut_off(here: Neighbourhood, clock: Clock) -> None:
    times = {"starts_at": timedelta(seconds=0.7), "ends_at": timedelta(hours=1, seconds=0.7),
             "check_in_opens_at": timedelta(seconds=0.7)}  # fmt: skip
    answer = await announce(here, clock.now, **times_of(clock.now, times))
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["starts_at"] == told["check_in_opens_at"] == "2026-11-18T07:00:00Z"


async def test_local_times_are_taken_with_their_offset(here: Neighbourhood, clock: Clock) -> None:
    times = {"starts_at": "2026-11-21T09:00:00+08:00", "ends_at": "2026-11-21T11:00:00+08:00"}
    answer = await announce(here, clock.now, **times)
    told = [datetime.fromisoformat(answer.json()[name]) for name in ("starts_at", "ends_at")]
    assert [moment.astimezone(UTC).hour for moment in told] == [1, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": "2026-11-21T09:00:00"},
        {"starts_at": "0001-01-01T00:00:00Z", "ends_at": "0001-01-01T01:00:00Z"},
        {"starts_at": "9999-12-31T22:00:00-12:00", "ends_at": "9999-12-31T23:00:00-12:00"},
        {"starts_at": "2150-01-01T00:00:00Z", "ends_at": "2150-01-01T01:00:00Z"},
        {"title": "会"},
        {"title": "会" * 61},
        {"title": "   "},
        {"units": 0},
        {"units": 25},
        {"rule_code": "../rules"},
        {"grid_id": "grid"},
        {"points": 1000},
    ],
    ids=str,
)
async def test_a_malformed_announcement_is_refused(
    here: Neighbourhood, clock: Clock, changes: dict[str, Any]
) -> None:
    answer = await announce(here, clock.now, **changes)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"rule_code": "no_such_rule"}, (404, "rule_not_found")),
        ({"rule_code": "sorted_wrongly"}, (422, "rule_of_other_direction")),
        ({"units": 2}, (422, "too_many_units")),
        ({"rule_code": "volunteer_hour", "units": 9}, (422, "too_many_units")),
    ],
    ids=str,
)
async def test_an_activity_needs_a_rule_that_earns_so_much(
    here: Neighbourhood, clock: Clock, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    answer = await announce(here, clock.now, **changes)
    assert (answer.status_code, problem_code(answer)) == refusal


@pytest.mark.parametrize("name", ["resident-1", "clerk-1"])
async def test_residents_and_clerks_announce_and_cancel_nothing(
    here: Neighbourhood, clock: Clock, name: str
) -> None:
    activity = await here.announce(clock.now)
    caller = await here.caller(name)
    announced = await announce(here, clock.now, name=name)
    cancelled = await caller.post(f"/v1/staff/activities/{activity['activity_id']}/cancel")
    assert [(row.status_code, problem_code(row)) for row in (announced, cancelled)] == [
        (403, "forbidden")
    ] * 2


async def test_a_worker_announces_and_cancels_in_their_own_grid_only(
    here: Neighbourhood, clock: Clock
) -> None:
    first, second = (str(grid) for grid in here.places.grids)
    own = await announce(here, clock.now, grid_id=first)
    other = await announce(here, clock.now, grid_id=second)
    worker = await here.caller("worker-2")
    cancelled = await worker.post(f"/v1/staff/activities/{own.json()['activity_id']}/cancel")
    assert (own.status_code, own.json()["grid_id"]) == (201, first)
    assert (other.status_code, problem_code(other)) == (403, "not_your_activity")
    assert (cancelled.status_code, problem_code(cancelled)) == (403, "not_your_activity")
    assert (await announce(here, clock.now, name="committee-1", grid_id=second)).status_code == 201


async def test_an_activity_is_cancelled_once_and_for_all(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    for _ in range(2):
        answer = await worker.post(f"/v1/staff/activities/{activity['activity_id']}/cancel")
        assert (answer.status_code, answer.json()) == (200, activity | {"state": "cancelled"})


async def test_activities_of_another_community_are_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    activity = await elsewhere.announce(clock.now)
    path = f"activities/{activity['activity_id']}"
    worker = await here.caller("worker-1")
    answers = [await worker.get(f"/v1/{path}"), await worker.post(f"/v1/staff/{path}/cancel")]
    assert [(row.status_code, problem_code(row)) for row in answers] == [
        (404, "activity_not_found")
    ] * 2
    assert (await worker.get("/v1/activities")).json()["items"] == []


async def test_the_calendar_shows_what_is_on_or_coming_by_its_end(
    here: Neighbourhood, clock: Clock
) -> None:
    ends = [5, 1, 3, 3, 2]
    made = [
        (await announce(here, clock.now, ends_at=(clock.now + hours * HOUR).isoformat())).json()
        for hours in ends
    ]
    let_pass(here, clock, hours=1)
    resident = await here.caller("resident-1")

    listed = (await resident.get("/v1/activities")).json()["items"]

    # The one that ends this very second is still shown.
    assert [row["activity_id"] for row in listed] == [
        made[at]["activity_id"] for at in (1, 4, 2, 3, 0)
    ]
    clock.advance(seconds=1)
    assert len((await resident.get("/v1/activities")).json()["items"]) == 4


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_of_the_calendar_never_repeat_or_skip(
    here: Neighbourhood, clock: Clock, size: int
) -> None:
    for hours in (2, 1, 2, 2, 1, 3, 2):
        await announce(here, clock.now, ends_at=(clock.now + hours * HOUR).isoformat())
    resident = await here.caller("resident-1")
    whole = (await resident.get("/v1/activities")).json()["items"]
    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await resident.get("/v1/activities", size=size, **cursor)).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(whole) == 7
    assert listed == whole


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**62), 10**12])
async def test_a_cursor_beyond_all_time_is_refused(here: Neighbourhood, seconds: int) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.get("/v1/activities", cursor=write_cursor(seconds, 0))
    assert (answer.status_code, problem_code(answer)) == (422, "cursor_unreadable")


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"mode": "online"}, "other_mode"),
        ({"points_by_effort": {"low": 5, "medium": 10, "high": 20}}, "effort_missing"),
    ],
)
async def test_a_rule_that_nobody_could_check_in_under_is_refused_at_once(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    stated: dict[str, Any],
    code: str,
) -> None:
    rule = {"code": "sorting_drill", "name": "分类演练", "points": 5} | stated
    await add_rules(sessionmaker, here.community_id, [rule], since=clock.now)
    answer = await announce(here, clock.now, rule_code="sorting_drill")
    assert (answer.status_code, problem_code(answer)) == (422, code)
