"""Opening funds, listing them, and saying anew what they are for."""

from typing import Any

import httpx
import pytest

from app.core.pagination import write_cursor
from tests.funds.giving import MEALS, change, fund_path, look_at
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

TREES = {"code": "trees", "name": "种树基金", "description": "给小区添一片绿荫。"}


async def open_fund(
    here: Neighbourhood, *, opened_by: str = "committee-1", **changes: Any
) -> httpx.Response:
    caller = await here.caller(opened_by)
    return await caller.post("/v1/staff/funds", TREES | changes)


async def test_a_preset_opens_its_funds(here: Neighbourhood) -> None:
    page = await look_at(here)
    assert (page["code"], page["name"], page["state"]) == (MEALS, "独居老人助餐基金", "open")
    assert (page["points"], page["donated_points"], page["donor_count"]) == (0, 0, 0)


async def test_a_fund_that_the_committee_opens_is_there_for_everybody(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    answer = await open_fund(here)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert opened | {"fund_id": "", "created_at": ""} == TREES | {
        "fund_id": "",
        "created_at": "",
        "state": "open",
        "points": 0,
        "donated_points": 0,
        "donor_count": 0,
    }
    for name in ("resident-1", "worker-1", "clerk-1", "committee-1"):
        reader = await here.caller(name)
        assert (await reader.get(f"/v1/funds/{opened['fund_id']}")).json() == opened
        listed = (await reader.get("/v1/funds")).json()["items"]
        assert [fund["code"] for fund in listed] == [MEALS, "trees"]
    stranger = await elsewhere.caller("resident-1")
    refused = await stranger.get(f"/v1/funds/{opened['fund_id']}")
    assert (refused.status_code, problem_code(refused)) == (404, "fund_not_found")
    assert len((await stranger.get("/v1/funds")).json()["items"]) == 1


async def test_a_code_names_one_fund_of_a_community(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    assert (await open_fund(here)).status_code == 201
    again = await open_fund(here)
    assert (again.status_code, problem_code(again)) == (409, "fund_code_taken")
    assert (await open_fund(elsewhere)).status_code == 201
    committee = await here.caller("committee-1")
    assert len((await committee.get("/v1/funds")).json()["items"]) == 2


async def test_the_list_is_read_page_by_page(here: Neighbourhood) -> None:
    for number in range(4):
        assert (await open_fund(here, code=f"fund_{number}")).status_code == 201
    reader = await here.caller("resident-1")
    codes: list[str] = []
    page = (await reader.get("/v1/funds", size=2)).json()
    while page["next_cursor"] is not None:
        codes += [fund["code"] for fund in page["items"]]
        page = (await reader.get("/v1/funds", size=2, cursor=page["next_cursor"])).json()
    codes += [fund["code"] for fund in page["items"]]
    assert codes == [MEALS, "fund_0", "fund_1", "fund_2", "fund_3"]
    for cursor in ("nonsense", write_cursor(1, 2)):
        answer = await reader.get("/v1/funds", cursor=cursor)
        assert (answer.status_code, problem_code(answer)) == (422, "cursor_unreadable")


async def test_the_committee_may_say_anew_what_a_fund_is_for(here: Neighbourhood) -> None:
    answer = await change(here, fund_path(here), name="助餐基金", description="", state="closed")
    assert answer.status_code == 200, answer.text
    page = await look_at(here)
    assert answer.json() == page
    assert (page["name"], page["description"], page["state"]) == ("助餐基金", "", "closed")
    assert page["code"] == MEALS


async def test_a_fund_of_another_community_is_not_changed(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    for path in (fund_path(elsewhere), f"/v1/funds/{here.resident_id('resident-1')}"):
        answer = await change(here, path, state="closed")
        assert (answer.status_code, problem_code(answer)) == (404, "fund_not_found")
    assert (await look_at(elsewhere, fund_path(elsewhere)))["state"] == "open"


@pytest.mark.parametrize("name", ["resident-1", "worker-1", "clerk-1"])
async def test_only_the_committee_manages_funds(here: Neighbourhood, name: str) -> None:
    caller = await here.caller(name)
    body = {"name": "我的基金", "description": "", "state": "closed"}
    for answer in (
        await open_fund(here, opened_by=name),
        await caller.put(fund_path(here).replace("/v1/", "/v1/staff/"), body),
    ):
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
    assert (await look_at(here))["state"] == "open"


async def test_funds_are_for_members(here: Neighbourhood) -> None:
    for path in ("/v1/funds", fund_path(here)):
        assert (await here.http.get(path)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Trees"},
        {"code": "树"},
        {"code": ""},
        {"name": "树"},
        {"name": "长" * 41},
        {"description": "长" * 501},
        {"points": 1000},
    ],
    ids=["capital", "chinese", "empty", "short", "long", "longer", "points"],
)
async def test_a_fund_that_is_not_well_described_is_refused(
    changes: dict[str, Any], here: Neighbourhood
) -> None:
    assert (await open_fund(here, **changes)).status_code == 422
    committee = await here.caller("committee-1")
    assert len((await committee.get("/v1/funds")).json()["items"]) == 1


@pytest.mark.parametrize("changes", [{"state": "gone"}, {"name": ""}, {"code": "other"}], ids=str)
async def test_a_change_that_makes_no_sense_is_refused(
    changes: dict[str, str], here: Neighbourhood
) -> None:
    assert (await change(here, fund_path(here), **changes)).status_code == 422
