"""Grids: their outlines, who works in them, and which one a place lies in."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community import queries
from app.core.coordinates import Position, to_gcj02
from tests.support.caller import Caller, problem_code
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
Ring = list[tuple[float, float]]

# About 500 m by 500 m beside the West Lake, and the next block to the east.
WEST: Ring = [
    (120.15, 30.25),
    (120.155, 30.25),
    (120.155, 30.255),
    (120.15, 30.255),
    (120.15, 30.25),
]
EAST: Ring = [(longitude + 0.005, latitude) for longitude, latitude in WEST]
IN_WEST, IN_EAST, OUTSIDE = (30.2525, 120.1525), (30.2525, 120.1575), (30.26, 120.1525)


async def draw(
    caller: Caller, grid_id: int, ring: Ring | list[Any], system: str = "wgs84"
) -> httpx.Response:
    body = {"ring": ring, "coordinate_system": system}
    return await caller.put(f"/v1/staff/grids/{grid_id}/boundary", body)


async def grid_at(sessionmaker: Sessions, community_id: int, place: tuple[float, float]) -> Any:
    async with sessionmaker() as session:
        return await queries.grid_at(session, community_id, *place)


async def test_a_place_lies_in_the_grid_drawn_around_it(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions
) -> None:
    committee = await here.caller("committee-1")
    west, east = here.places.grids
    assert await grid_at(sessionmaker, here.community_id, IN_WEST) is None

    drawn = await draw(committee, west, WEST)
    await draw(committee, east, EAST)

    assert drawn.status_code == 200
    assert drawn.json() == {
        "grid_id": str(west), "name": "第一网格", "ring": [list(corner) for corner in WEST],
    }  # fmt: skip
    assert await grid_at(sessionmaker, here.community_id, IN_WEST) == west
    assert await grid_at(sessionmaker, here.community_id, IN_EAST) == east
    assert await grid_at(sessionmaker, here.community_id, OUTSIDE) is None
    assert await grid_at(sessionmaker, elsewhere.community_id, IN_WEST) is None


async def test_where_grids_overlap_the_first_has_the_place(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    committee = await here.caller("committee-1")
    for grid_id in reversed(here.places.grids):
        await draw(committee, grid_id, WEST)
    assert await grid_at(sessionmaker, here.community_id, IN_WEST) == min(here.places.grids)


async def test_an_outline_drawn_on_a_chinese_map_is_kept_in_wgs84(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    shown = [to_gcj02(Position(latitude, longitude)) for longitude, latitude in WEST]
    ring = [(corner.longitude, corner.latitude) for corner in shown]

    drawn = await draw(await here.caller("committee-1"), here.places.grids[0], ring, "gcj02")

    kept = drawn.json()["ring"]
    assert [[round(degrees, 6) for degrees in corner] for corner in kept] == [
        list(corner) for corner in WEST
    ]
    assert kept[0] == kept[-1]
    # 475 m to the east a map would have it: the corner nearest to the shifted ring tells.
    assert await grid_at(sessionmaker, here.community_id, (30.2505, 120.1505)) is not None


async def test_an_outline_may_have_a_bay_and_be_drawn_anew(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    committee, grid_id = await here.caller("committee-1"), here.places.grids[0]
    bay = [*WEST[:3], (120.1525, 30.252), *WEST[3:]]
    await draw(committee, grid_id, WEST)
    await draw(committee, grid_id, bay)
    assert await grid_at(sessionmaker, here.community_id, (30.254, 120.1525)) is None
    assert await grid_at(sessionmaker, here.community_id, (30.251, 120.1525)) == grid_id


@pytest.mark.parametrize("size", [4, 500])
async def test_a_ring_has_4_to_500_points(here: Neighbourhood, size: int) -> None:
    committee, grid_id = await here.caller("committee-1"), here.places.grids[0]
    ring = [(120 + number / 10_000, 30 + number**2 / 10**8) for number in range(size - 1)]
    exact = await draw(committee, grid_id, [*ring, ring[0]])
    beyond = [*ring, (121.0, 31.0), ring[0]] if size == 500 else [*ring[:-1], ring[0]]
    refused = await draw(committee, grid_id, beyond)
    assert exact.status_code == 200, exact.text
    assert (refused.status_code, problem_code(refused)) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("ring", "system"),
    [
        (WEST[:4], "wgs84"),
        ([*WEST[:4], (120.15, 30.250001)], "wgs84"),
        ([(181, 30), (120, 30), (120, 31), (181, 30)], "wgs84"),
        ([(120, 91), (120, 30), (121, 30), (120, 91)], "wgs84"),
        ([(120, 30, 5), (121, 30, 5), (121, 31, 5), (120, 30, 5)], "wgs84"),
        ([(120,), (121,), (122,), (120,)], "wgs84"),
        (["x"] * 4, "wgs84"),
        ([], "wgs84"),
        (WEST, "bd09"),
        (WEST, None),
    ],
)
async def test_what_is_no_closed_ring_on_the_globe_is_refused(
    here: Neighbourhood, sessionmaker: Sessions, ring: list[Any], system: str
) -> None:
    answer = await draw(await here.caller("committee-1"), here.places.grids[0], ring, system)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
    assert await grid_at(sessionmaker, here.community_id, IN_WEST) is None


async def test_a_grid_of_another_community_is_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions
) -> None:
    answer = await draw(await here.caller("committee-1"), elsewhere.places.grids[0], WEST)
    assert (answer.status_code, problem_code(answer)) == (404, "grid_not_found")
    assert await grid_at(sessionmaker, elsewhere.community_id, IN_WEST) is None


@pytest.mark.parametrize("who", ["worker-1", "clerk-1", "resident-1"])
async def test_only_the_committee_draws_outlines(here: Neighbourhood, who: str) -> None:
    answer = await draw(await here.caller(who), here.places.grids[0], WEST)
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
