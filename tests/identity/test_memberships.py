"""One person in two communities: a session is bound to one of them at a time."""

import pytest

from tests.support.caller import Caller, problem_code, sign_in
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood


async def change_to(caller: Caller, place: Neighbourhood) -> Caller:
    body = {"community_id": str(place.community_id)}
    answer = await caller.post("/v1/auth/membership", body)
    assert answer.status_code == 200, answer.text
    return Caller(caller.http, answer.json())


@pytest.fixture
async def mover(here: Neighbourhood, elsewhere: Neighbourhood) -> Caller:
    """Resident-1 of here, who is a resident of elsewhere as well."""
    caller = await here.caller("resident-1")
    body = {
        "community_id": str(elsewhere.community_id),
        "display_name": "王小四",
        "building_id": str(elsewhere.places.buildings[0]),
        "room": "9-909",
    }
    await agree(caller, elsewhere.community_id)
    asked = await caller.post("/v1/join-requests", body)
    worker = await elsewhere.caller("worker-1")
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
    assert (await worker.post(path)).status_code == 200
    return await sign_in(here.http, "resident-1")


async def test_both_communities_are_listed(
    mover: Caller, here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    communities = [row["community_id"] for row in mover.tokens["memberships"]]
    assert communities == [str(here.community_id), str(elsewhere.community_id)]
    assert mover.tokens["membership"]["community_id"] == str(here.community_id)


async def test_the_session_goes_on_in_the_other_community(
    mover: Caller, elsewhere: Neighbourhood
) -> None:
    moved = await change_to(mover, elsewhere)
    me = (await moved.get("/v1/me")).json()
    assert me["community_id"] == str(elsewhere.community_id)
    assert me["room"] == "9-909"
    assert me["resident_id"] == moved.tokens["membership"]["resident_id"]


async def test_the_old_access_token_is_refused_after_the_change(
    mover: Caller, elsewhere: Neighbourhood
) -> None:
    assert (await mover.get("/v1/me")).status_code == 200
    await change_to(mover, elsewhere)
    answer = await mover.get("/v1/me")
    assert answer.status_code == 401
    assert problem_code(answer) == "token_invalid"


async def test_the_old_refresh_token_ends_with_the_change(
    mover: Caller, elsewhere: Neighbourhood
) -> None:
    moved = await change_to(mover, elsewhere)
    body = {"refresh_token": mover.tokens["refresh_token"]}
    answer = await mover.http.post("/v1/auth/refresh", json=body)
    assert problem_code(answer) == "refresh_token_invalid"
    assert (await moved.get("/v1/me")).status_code == 200


async def test_a_refresh_stays_in_the_community_changed_to(
    mover: Caller, elsewhere: Neighbourhood
) -> None:
    moved = await change_to(mover, elsewhere)
    body = {"refresh_token": moved.tokens["refresh_token"]}
    answer = await mover.http.post("/v1/auth/refresh", json=body)
    assert answer.json()["membership"]["community_id"] == str(elsewhere.community_id)


async def test_one_can_change_back(
    mover: Caller, here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    back = await change_to(await change_to(mover, elsewhere), here)
    assert (await back.get("/v1/me")).json()["community_id"] == str(here.community_id)
    assert (await mover.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("community_id", ["0", "999999999", str(2**63 - 1)])
async def test_nobody_changes_to_a_community_that_is_not_there(
    here: Neighbourhood, community_id: str
) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.post("/v1/auth/membership", {"community_id": community_id})
    assert answer.status_code == 403
    assert problem_code(answer) == "not_a_member"


async def test_nobody_changes_to_a_community_they_do_not_belong_to(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    resident = await here.caller("resident-1")
    body = {"community_id": str(elsewhere.community_id)}
    answer = await resident.post("/v1/auth/membership", body)
    assert problem_code(answer) == "not_a_member"
    assert (await resident.get("/v1/me")).status_code == 200
