"""Boards: periods, ties, masks, pages; buildings; my place and its neighbours."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Vault
from tests.support.awards import award, get_terms, make_item
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood

Sessions = async_sessionmaker[AsyncSession]


async def earn(
    sessionmaker: Sessions,
    here: Neighbourhood,
    points: Mapping[int, int],
    *,
    now: datetime,
    acted_at: datetime | None = None,
) -> None:
    """Let resident-N earn so many points each."""
    async with sessionmaker.begin() as session:
        at = acted_at or now
        items = [
            make_item(
                await get_terms(session, here, "survey", at=at, points=earned),
                int(here.resident_id(f"resident-{number}")),
                now=now,
                acted_at=at,
            )
            for number, earned in points.items()
        ]
        await award(session, here, items, now=now)


async def read_board(caller: Caller, size: int = 100, **query: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await caller.get("/v1/boards/residents", size=size, **query, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        lines += page["items"]
        if page["next_cursor"] is None:
            return lines
        cursor = {"cursor": page["next_cursor"]}


def places(lines: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(line["rank"], line["points"]) for line in lines]


async def test_a_board_shows_rank_masked_name_building_and_points(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 20, 2: 50}, now=clock.now)
    resident = await here.caller("resident-1")

    answer = (await resident.get("/v1/boards/residents", period="month")).json()

    assert answer == {
        "period": "month",
        "starts_on": "2026-11-01",
        "items": [
            {"rank": 1, "resident_id": here.resident_id("resident-2"), "masked_name": "李*",
             "building_name": "2 号楼", "points": 50, "is_me": False},
            {"rank": 2, "resident_id": here.resident_id("resident-1"), "masked_name": "王*四",
             "building_name": "1 号楼", "points": 20, "is_me": True},
        ],
        "next_cursor": None,
    }  # fmt: skip
    assert "王小四" not in str(answer)


async def test_equals_share_a_rank_and_the_next_one_counts_them(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    points = {1: 30, 2: 50, 3: 30, 4: 30, 5: 10, 6: 50}
    await earn(sessionmaker, here, points, now=clock.now)
    resident = await here.caller("resident-1")
    assert places(await read_board(resident)) == [
        (1, 50), (1, 50), (3, 30), (3, 30), (3, 30), (6, 10),
    ]  # fmt: skip


async def test_a_period_counts_the_acts_of_its_days(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    # It is Wednesday, 18 November; the week began on the 16th.
    days_back = {0: {1: 5}, 2: {2: 7}, 3: {3: 9}, 17: {4: 11}, 18: {5: 13}}
    for days, points in days_back.items():
        acted_at = clock.now - timedelta(days=days)
        await earn(sessionmaker, here, points, now=clock.now, acted_at=acted_at)
    resident = await here.caller("resident-1")

    boards = {
        period: [line["points"] for line in await read_board(resident, period=period)]
        for period in ("week", "month", "all")
    }

    assert boards == {"week": [7, 5], "month": [11, 9, 7, 5], "all": [13, 11, 9, 7, 5]}


async def test_a_week_turns_on_monday_midnight_in_shanghai(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    monday = datetime.fromisoformat("2026-11-16T00:00:00+08:00")
    await earn(sessionmaker, here, {1: 5}, now=clock.now, acted_at=monday)
    before = monday - timedelta(microseconds=1)
    await earn(sessionmaker, here, {2: 7}, now=clock.now, acted_at=before)
    resident = await here.caller("resident-1")
    assert places(await read_board(resident, period="week")) == [(1, 5)]


async def test_the_month_is_shown_unless_another_period_is_asked_for(
    here: Neighbourhood,
) -> None:
    resident = await here.caller("resident-1")
    for path in ("/v1/boards/residents", "/v1/boards/buildings", "/v1/me/rank"):
        assert (await resident.get(path)).json()["period"] == "month"
        answer = await resident.get(path, period="day")
        assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_nobody_without_points_is_on_a_board(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 5, 2: 5}, now=clock.now)
    committee = await here.caller("committee-1")
    await here.fine("resident-2")
    assert places(await read_board(committee)) == [(1, 5)]


async def test_a_fine_beyond_the_periods_points_shows_nobody_below_zero(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    in_october = clock.now - timedelta(days=20)
    await earn(sessionmaker, here, {1: 30}, now=clock.now, acted_at=in_october)
    await earn(sessionmaker, here, {2: 7}, now=clock.now)
    committee = await here.caller("committee-1")
    await here.fine("resident-1")

    assert places(await read_board(committee, period="month")) == [(1, 7)]
    assert places(await read_board(committee, period="all")) == [(1, 25), (2, 7)]
    place = await read_place(here, 1)
    assert (place["points"], place["rank"], place["points_to_next"]) == (-5, 2, 12)
    assert (places(place["ahead"]), place["behind"]) == ([(1, 7)], [])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 11, 12, 13])
async def test_pages_never_repeat_or_skip_and_ranks_run_on(
    sessionmaker: Sessions, here: Neighbourhood, vault: Vault, clock: Clock, size: int
) -> None:
    crowd = await make_neighbourhood(
        sessionmaker, here.http, vault=vault, now=clock.now, residents=12, prefix="crowd-"
    )
    points = dict(enumerate((9, 9, 8, 7, 7, 7, 7, 5, 4, 4, 1, 1), start=1))
    await earn(sessionmaker, crowd, points, now=clock.now)
    lines = await read_board(await crowd.caller("resident-1"), size)
    assert places(lines) == [
        (1, 9), (1, 9), (3, 8), (4, 7), (4, 7), (4, 7), (4, 7), (8, 5), (9, 4), (9, 4),
        (11, 1), (11, 1),
    ]  # fmt: skip
    assert len({line["resident_id"] for line in lines}) == 12


async def test_boards_of_two_communities_do_not_mix(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, elsewhere, {1: 50}, now=clock.now)
    resident = await here.caller("resident-1")
    assert await read_board(resident) == []
    buildings = (await resident.get("/v1/boards/buildings")).json()["items"]
    assert {line["points"] for line in buildings} == {0}


async def test_everybody_of_the_community_reads_boards(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 50}, now=clock.now)
    for name in ("resident-2", "worker-1", "clerk-1", "committee-1"):
        [line] = await read_board(await here.caller(name))
        assert line["is_me"] is False
    for name in ("worker-1", "clerk-1", "committee-1"):
        answer = await (await here.caller(name)).get("/v1/me/rank")
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


# Buildings: residents 1 and 4 live in building 1, 2 and 5 in building 2, 3 and 6 in building 3.


async def test_a_building_has_what_its_residents_earned_together(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 5, 2: 30, 4: 30}, now=clock.now)
    resident = await here.caller("resident-1")

    answer = (await resident.get("/v1/boards/buildings")).json()

    assert (answer["period"], answer["starts_on"]) == ("month", "2026-11-01")
    one, two, three = (str(building) for building in here.places.buildings)
    assert answer["items"] == [
        {"rank": 1, "building_id": one, "name": "1 号楼", "points": 35, "active_residents": 2},
        {"rank": 2, "building_id": two, "name": "2 号楼", "points": 30, "active_residents": 1},
        {"rank": 3, "building_id": three, "name": "3 号楼", "points": 0, "active_residents": 0},
    ]


async def test_buildings_share_a_rank_too(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 10, 2: 20, 3: 15, 6: 5}, now=clock.now)
    resident = await here.caller("resident-1")
    lines = (await resident.get("/v1/boards/buildings", period="week")).json()["items"]
    assert [(line["rank"], line["points"], line["name"]) for line in lines] == [
        (1, 20, "2 号楼"), (1, 20, "3 号楼"), (3, 10, "1 号楼"),
    ]  # fmt: skip


# My place, with two neighbours on each side.


async def read_place(here: Neighbourhood, number: int) -> dict[str, Any]:
    resident = await here.caller(f"resident-{number}")
    place: dict[str, Any] = (await resident.get("/v1/me/rank", period="week")).json()
    return place


LADDER = {1: 60, 2: 50, 3: 40, 4: 30, 5: 20, 6: 10}


@pytest.mark.parametrize(
    ("number", "rank", "ahead", "behind", "to_next"),
    [
        (1, 1, [], [(2, 50), (3, 40)], None),
        (2, 2, [(1, 60)], [(3, 40), (4, 30)], 10),
        (4, 4, [(2, 50), (3, 40)], [(5, 20), (6, 10)], 10),
        (5, 5, [(3, 40), (4, 30)], [(6, 10)], 10),
        (6, 6, [(4, 30), (5, 20)], [], 10),
    ],
)
async def test_my_place_at_the_top_in_the_middle_and_at_the_bottom(
    here: Neighbourhood,
    sessionmaker: Sessions,
    clock: Clock,
    number: int,
    rank: int,
    ahead: list[tuple[int, int]],
    behind: list[tuple[int, int]],
    to_next: int | None,
) -> None:
    await earn(sessionmaker, here, LADDER, now=clock.now)
    place = await read_place(here, number)
    assert (place["points"], place["rank"]) == (LADDER[number], rank)
    assert place["starts_on"] == "2026-11-16"
    assert places(place["ahead"]) == ahead
    assert places(place["behind"]) == behind
    assert place["points_to_next"] == to_next
    assert not any(line["is_me"] for line in place["ahead"] + place["behind"])


async def test_without_points_my_place_is_behind_everybody_who_has_some(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 30, 2: 20, 3: 10}, now=clock.now)
    place = await read_place(here, 6)
    assert (place["points"], place["rank"], place["points_to_next"]) == (0, 4, 10)
    assert places(place["ahead"]) == [(2, 20), (3, 10)]
    assert place["behind"] == []


async def test_on_an_empty_board_everybody_is_first(here: Neighbourhood) -> None:
    place = await read_place(here, 1)
    assert (place["points"], place["rank"], place["points_to_next"]) == (0, 1, None)
    assert (place["ahead"], place["behind"]) == ([], [])


async def test_neighbours_with_as_many_points_share_my_rank(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 20, 2: 20, 3: 20, 4: 10}, now=clock.now)
    for number in (1, 2, 3):
        place = await read_place(here, number)
        lines = place["ahead"] + place["behind"]
        assert place["rank"] == 1
        assert {line["rank"] for line in lines if line["points"] == 20} == {1}
        assert {line["rank"] for line in lines if line["points"] == 10} <= {4}
        assert place["points_to_next"] is None


async def test_the_points_to_the_next_rank_look_past_equals(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await earn(sessionmaker, here, {1: 20, 2: 20, 3: 20, 4: 20, 5: 20, 6: 50}, now=clock.now)
    told = [(await read_place(here, number))["points_to_next"] for number in range(1, 7)]
    assert told == [30] * 5 + [None]
