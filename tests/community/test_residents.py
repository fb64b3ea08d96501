"""Finding residents, and what the public may see of a community."""

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.community.names import mask_name
from tests.statements.test_statements import counted
from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.neighbourhood import NAMES, Neighbourhood


async def found(caller: Caller, **params: str) -> list[str]:
    answer = await caller.get("/v1/staff/residents", **params)
    assert answer.status_code == 200, answer.text
    return [row["masked_name"] for row in answer.json()["items"]]


async def join(here: Neighbourhood, ticket: str, name: str, clock: Clock) -> None:
    newcomer = await sign_in(here.http, ticket)
    await agree(newcomer, here.community_id)
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
    assert await found(worker_1, name="李雷") == ["李*"]
    assert await found(worker_2, name="李雷") == []
    assert await found(worker_1, name="张秀英") == []
    assert await found(worker_2, name="张秀英") == ["张*英"]


async def test_the_committee_finds_everybody_of_its_community(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    committee = await here.caller("committee-1")
    for name in NAMES:
        assert await found(committee, name=name) == [mask_name(name)]
    assert await found(await elsewhere.caller("committee-1"), name="李雷") == ["李*"]


async def test_a_resident_is_found_masked_with_building_and_room(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    answer = await worker.get("/v1/staff/residents", name="王小")
    assert answer.json() == {
        "items": [
            {
                "resident_id": here.resident_id("resident-1"),
                "masked_name": "王*四",
                "masked_phone": None,
                "building_name": "1 号楼",
                "room": "1-101",
                "has_phone_account": True,
                "audience": [],
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("王", True),
        ("王小", True),
        ("王小四", True),
        (" 王小四 ", True),
        ("小四", False),
        ("四", False),
        ("王小四喜", False),
        ("王四", False),
        ("王*四", False),
    ],
)
async def test_a_name_is_found_by_its_beginning(
    here: Neighbourhood, name: str, *, is_found: bool
) -> None:
    worker = await here.caller("worker-1")
    assert await found(worker, name=name) == (["王*四"] if is_found else [])


async def test_a_latin_name_is_found_in_capitals_or_not(here: Neighbourhood, clock: Clock) -> None:
    await join(here, "newcomer", "Anna Schmidt", clock)
    worker = await here.caller("worker-1")
    for beginning in ("anna", "ANNA S", "Anna Schmidt"):
        assert await found(worker, name=beginning) == ["A***"]


@pytest.mark.parametrize("name", ["%", "_", "\\", "' OR 1=1 --", "李%", "*", "李\u0000"])
async def test_a_wildcard_is_an_ordinary_letter(here: Neighbourhood, name: str) -> None:
    assert await found(await here.caller("committee-1"), name=name) == []


@pytest.mark.parametrize("params", [{"name": ""}, {"name": "李" * 31}, {"phone": "138"},
                                    {"phone": "1" * 16}, {"phone": "一三八〇〇〇〇〇〇〇一"},
                                    {"phone": ""}, {"phone": "138 0000 0001"}])  # fmt: skip
async def test_a_search_term_has_a_sensible_length(
    here: Neighbourhood, params: dict[str, str]
) -> None:
    answer = await (await here.caller("committee-1")).get("/v1/staff/residents", **params)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize("params", [{}, {"name": "李雷", "phone": "13800000001"}, {"name": "  "}])
async def test_a_search_is_by_one_thing(here: Neighbourhood, params: dict[str, str]) -> None:
    answer = await (await here.caller("committee-1")).get("/v1/staff/residents", **params)
    assert (answer.status_code, problem_code(answer)) == (422, "one_search_term_needed")


async def test_one_who_has_left_is_not_found(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    leave = text("UPDATE residents SET state = 'left' WHERE resident_id = :resident_id")
    async with sessionmaker.begin() as session:
        await session.execute(leave, {"resident_id": here.residents["resident-1"]})
    assert await found(await here.caller("committee-1"), name="王小四") == []


async def test_a_search_is_one_statement_beside_the_two_of_any_request(
    here: Neighbourhood, engine: AsyncEngine
) -> None:
    worker = await here.caller("worker-1")
    with counted(engine) as statements:
        assert await found(worker, name="王") == ["王*四"]
    assert sum("resident_tokens" in statement for statement in statements) == 1
    assert len(statements) == 3, statements


async def test_residents_come_in_pages(here: Neighbourhood, clock: Clock) -> None:
    committee = await here.caller("committee-1")
    for number in (1, 2, 3):
        await join(here, f"newcomer-{number}", f"赵某{number}", clock)
    pages = []
    cursor: dict[str, str] = {}
    for _ in range(2):
        page = (await committee.get("/v1/staff/residents", name="赵", size=2, **cursor)).json()
        pages.append([row["masked_name"] for row in page["items"]])
        cursor = {"cursor": page["next_cursor"]}
    assert pages == [["赵*1", "赵*2"], ["赵*3"]]
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
        "grids": [
            {"grid_id": str(grid_id), "name": name}
            for grid_id, name in zip(here.places.grids, ("第一网格", "第二网格"), strict=True)
        ],
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
