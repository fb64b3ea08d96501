"""Finding residents, and what the public may see of a community."""

import httpx
import pytest

from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import NAMES, Neighbourhood


async def names_found(caller: Caller, name: str) -> list[str]:
    answer = await caller.get("/v1/staff/residents", name=name)
    assert answer.status_code == 200, answer.text
    return [row["display_name"] for row in answer.json()["items"]]


async def join(here: Neighbourhood, ticket: str, name: str, clock: Clock) -> None:
    newcomer = await sign_in(here.http, ticket)
    body = {
        "community_id": str(here.community_id),
        "display_name": name,
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }
    asked = await newcomer.post("/v1/join-requests", body)
    committee = await here.caller("committee-1")
    clock.advance(seconds=1)
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
    assert (await committee.post(path)).status_code == 200


async def test_a_worker_finds_residents_of_the_own_grid_only(here: Neighbourhood) -> None:
    worker_1, worker_2 = await here.caller("worker-1"), await here.caller("worker-2")
    assert await names_found(worker_1, "李雷") == ["李雷"]
    assert await names_found(worker_2, "李雷") == []
    assert await names_found(worker_1, "张秀英") == []
    assert await names_found(worker_2, "张秀英") == ["张秀英"]


async def test_the_committee_finds_everybody_of_its_community(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    committee = await here.caller("committee-1")
    for name in NAMES:
        assert await names_found(committee, name) == [name]
    assert await names_found(await elsewhere.caller("committee-1"), "李雷") == ["李雷"]


async def test_a_resident_is_found_with_building_and_room(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    answer = await worker.get("/v1/staff/residents", name="小四")
    assert answer.json() == {
        "items": [
            {
                "resident_id": here.resident_id("resident-1"),
                "display_name": "王小四",
                "building_name": "1 号楼",
                "room": "1-101",
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize("name", ["%", "_", "\\", "' OR 1=1 --", "李%", "*"])
async def test_a_wildcard_is_an_ordinary_letter(here: Neighbourhood, name: str) -> None:
    assert await names_found(await here.caller("committee-1"), name) == []


@pytest.mark.parametrize("name", ["", "李" * 31])
async def test_a_search_needs_a_name_of_a_sensible_length(here: Neighbourhood, name: str) -> None:
    committee = await here.caller("committee-1")
    assert (await committee.get("/v1/staff/residents", name=name)).status_code == 422
    assert (await committee.get("/v1/staff/residents")).status_code == 422


async def test_a_name_with_a_null_character_is_malformed(here: Neighbourhood) -> None:
    committee = await here.caller("committee-1")
    answer = await committee.get("/v1/staff/residents", name="李\u0000")
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


async def test_residents_come_in_pages(here: Neighbourhood, clock: Clock) -> None:
    committee = await here.caller("committee-1")
    for number in (1, 2, 3):
        await join(here, f"newcomer-{number}", f"赵{number}号", clock)
    pages = []
    cursor: dict[str, str] = {}
    for _ in range(2):
        page = (await committee.get("/v1/staff/residents", name="赵", size=2, **cursor)).json()
        pages.append([row["display_name"] for row in page["items"]])
        cursor = {"cursor": page["next_cursor"]}
    assert pages == [["赵1号", "赵2号"], ["赵3号"]]
    assert cursor == {"cursor": None}


async def test_the_public_page_of_a_community_shows_buildings_and_no_people(
    here: Neighbourhood, http: httpx.AsyncClient
) -> None:
    answer = await http.get(f"/v1/public/communities/{here.community_id}")
    grids = ("第一网格", "第一网格", "第二网格")
    assert answer.json() == {
        "community_id": str(here.community_id),
        "name": "阳光社区",
        "timezone": "Asia/Shanghai",
        "residents": 6,
        "buildings": [
            {"building_id": str(building_id), "name": f"{number} 号楼", "grid_name": grid}
            for number, (building_id, grid) in enumerate(
                zip(here.places.buildings, grids, strict=True), start=1
            )
        ],
    }


async def test_the_public_list_names_communities_and_nothing_else(
    here: Neighbourhood, elsewhere: Neighbourhood, http: httpx.AsyncClient
) -> None:
    answer = await http.get("/v1/public/communities")
    assert answer.json() == {
        "items": [
            {"community_id": str(place.community_id), "name": "阳光社区"}
            for place in (here, elsewhere)
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize("community_id", ["0", "999999999", str(2**63 - 1)])
async def test_a_community_that_is_not_there_is_not_found(
    http: httpx.AsyncClient, community_id: str
) -> None:
    answer = await http.get(f"/v1/public/communities/{community_id}")
    assert answer.status_code == 404
    assert problem_code(answer) == "community_not_found"


@pytest.mark.parametrize("community_id", ["-1", "x", str(2**63), "1.0", "%31%00", "１２"])
async def test_what_is_no_id_is_malformed(http: httpx.AsyncClient, community_id: str) -> None:
    answer = await http.get(f"/v1/public/communities/{community_id}")
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


async def test_staff_see_who_they_are_by_their_membership_not_by_me(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    answer = await worker.get("/v1/me")
    assert answer.status_code == 403
    assert problem_code(answer) == "forbidden"
