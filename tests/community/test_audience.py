"""Groups that residents belong to, as staff enter them and residents see them."""

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood


async def put_audience(
    here: Neighbourhood, by: str, name: str, *codes: str, of: Neighbourhood | None = None
) -> httpx.Response:
    caller = await here.caller(by)
    path = f"/v1/staff/residents/{(of or here).resident_id(name)}/audience"
    return await caller.put(path, {"audience": list(codes)})


async def test_a_worker_says_which_groups_a_resident_belongs_to_and_the_resident_sees_it(
    here: Neighbourhood,
) -> None:
    first = await put_audience(here, "worker-1", "resident-1", "volunteer", "elder", "elder")
    assert (first.status_code, first.json()) == (
        200,
        {"resident_id": here.resident_id("resident-1"), "audience": ["elder", "volunteer"]},
    )
    me = await here.caller("resident-1")
    assert (await me.get("/v1/me")).json()["audience"] == ["elder", "volunteer"]
    worker = await here.caller("worker-1")
    (found,) = (await worker.get("/v1/staff/residents", name="王小四")).json()["items"]
    assert found["audience"] == ["elder", "volunteer"]
    assert (await put_audience(here, "committee-1", "resident-1")).json()["audience"] == []
    assert (await me.get("/v1/me")).json()["audience"] == []
    neighbour = await here.caller("resident-2")
    assert (await neighbour.get("/v1/me")).json()["audience"] == []


async def test_a_worker_says_so_only_of_the_own_grid_and_nobody_of_another_community(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    foreign = await put_audience(here, "worker-2", "resident-1", "elder")
    assert problem_code(foreign) == "resident_not_found"
    abroad = await put_audience(here, "committee-1", "resident-1", "elder", of=elsewhere)
    assert problem_code(abroad) == "resident_not_found"
    assert (await put_audience(here, "worker-2", "resident-3", "elder")).status_code == 200
    for name in ("reviewer-1", "auditor-1", "resident-1"):
        assert (await put_audience(here, name, "resident-1", "elder")).status_code == 403
    me = await elsewhere.caller("resident-1")
    assert (await me.get("/v1/me")).json()["audience"] == []


async def test_who_has_left_belongs_to_no_group(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    async with sessionmaker.begin() as session:
        left = "UPDATE residents SET state = 'left' WHERE resident_id = :number"
        await session.execute(text(left), {"number": int(here.resident_id("resident-1"))})
    answer = await put_audience(here, "worker-1", "resident-1", "elder")
    assert problem_code(answer) == "resident_not_found"


@pytest.mark.parametrize(
    "codes", [["Elder"], ["x"], ["9lives"], [""], ["a" * 42], [f"group_{n}" for n in range(21)]]
)
async def test_a_group_is_named_by_a_short_plain_code(
    here: Neighbourhood, codes: list[str]
) -> None:
    assert (await put_audience(here, "worker-1", "resident-1", *codes)).status_code == 422
