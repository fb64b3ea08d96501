"""Becoming a resident: asked for by oneself, decided by somebody else."""

import json
from typing import Any

import httpx
import pytest

from tests.support.caller import Caller, fresh_key, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood


def request_for(place: Neighbourhood, *, building: int = 1, **changes: Any) -> dict[str, Any]:
    body = {
        "community_id": str(place.community_id),
        "display_name": "赵新来",
        "building_id": str(place.places.buildings[building - 1]),
        "room": "9-901",
    }
    return body | changes


async def ask(caller: Caller, place: Neighbourhood, **changes: Any) -> dict[str, Any]:
    await agree(caller, place.community_id)
    answer = await caller.post("/v1/join-requests", request_for(place, **changes))
    assert answer.status_code == 201, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


async def decide(
    caller: Caller, asked: dict[str, Any], decision: str = "approve", reason: str = ""
) -> httpx.Response:
    path = f"/v1/staff/join-requests/{asked['join_request_id']}/{decision}"
    return await caller.post(path, {"reason": reason} if reason else {})


async def waiting_for(caller: Caller) -> list[str]:
    answer = await caller.get("/v1/staff/join-requests")
    return [row["join_request_id"] for row in answer.json()["items"]]


@pytest.fixture
async def newcomer(here: Neighbourhood) -> Caller:
    return await sign_in(here.http, "newcomer")


async def test_a_request_waits_with_what_was_asked(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    asked = await ask(newcomer, here)
    assert asked == request_for(here) | {
        "join_request_id": asked["join_request_id"],
        "claims_resident_id": None,
        "state": "pending",
        "asked_at": clock.now.isoformat().replace("+00:00", "Z"),
        "decided_at": None,
        "reason": None,
    }
    own = await newcomer.get("/v1/join-requests")
    assert own.json() == {"items": [asked], "next_cursor": None}


async def test_the_worker_of_the_grid_and_the_committee_see_it_and_nobody_else(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller
) -> None:
    in_grid_1 = (await ask(newcomer, here, building=2))["join_request_id"]
    other = await sign_in(here.http, "another-newcomer")
    in_grid_2 = (await ask(other, here, building=3))["join_request_id"]

    assert await waiting_for(await here.caller("worker-1")) == [in_grid_1]
    assert await waiting_for(await here.caller("worker-2")) == [in_grid_2]
    assert await waiting_for(await here.caller("committee-1")) == [in_grid_1, in_grid_2]
    assert await waiting_for(await elsewhere.caller("worker-1")) == []
    assert await waiting_for(await elsewhere.caller("committee-1")) == []
    assert (await other.get("/v1/join-requests")).json()["items"][0]["join_request_id"] == in_grid_2


async def test_an_approved_person_is_a_resident_with_an_empty_wallet(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    asked = await ask(newcomer, here)

    answer = await decide(await here.caller("worker-1"), asked)

    assert answer.status_code == 200
    assert answer.json()["state"] == "approved"
    assert answer.json()["decided_at"] == clock.now.isoformat().replace("+00:00", "Z")
    body = {"refresh_token": newcomer.tokens["refresh_token"]}
    refreshed = await here.http.post("/v1/auth/refresh", json=body)
    resident = Caller(here.http, refreshed.json())
    me = (await resident.get("/v1/me")).json()
    assert me["display_name"] == "赵新来"
    assert me["masked_name"] == "赵*来"
    assert me["masked_phone"] is None
    assert me["building_name"] == "1 号楼"
    assert me["room"] == "9-901"
    assert me["roles"] == ["resident"]
    assert (await resident.get("/v1/me/home")).status_code == 200
    balance = (await resident.get("/v1/me/balance")).json()
    assert balance["posted_points"] == 0
    assert balance["available_points"] == 0
    assert (await resident.get("/v1/me/statement")).json()["items"] == []


async def test_a_new_resident_earns_points_like_any_other(
    here: Neighbourhood, newcomer: Caller
) -> None:
    await decide(await here.caller("worker-1"), await ask(newcomer, here))
    resident = await sign_in(here.http, "newcomer")
    here.residents["newcomer"] = int(resident.tokens["membership"]["resident_id"])
    posted = await here.give("newcomer", "survey")
    balance = (await resident.get("/v1/me/balance")).json()
    assert balance["posted_points"] == posted["granted_points"] > 0


async def test_two_people_of_one_flat_share_its_household(
    here: Neighbourhood, newcomer: Caller
) -> None:
    partner = await sign_in(here.http, "partner")
    worker = await here.caller("worker-1")
    for person in (newcomer, partner):
        assert (await decide(worker, await ask(person, here))).status_code == 200
    found = await worker.get("/v1/staff/residents", name="赵新来")
    assert [row["room"] for row in found.json()["items"]] == ["9-901", "9-901"]
    page = await here.http.get(f"/v1/public/communities/{here.community_id}")
    assert page.json()["residents"] == 8


async def test_a_refused_person_reads_the_reason_and_may_ask_again(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    worker = await here.caller("worker-1")
    asked = await ask(newcomer, here)

    refused = await decide(worker, asked, "refuse", "房号不对，请核对")

    assert refused.status_code == 200
    assert refused.json()["state"] == "refused"
    assert await waiting_for(worker) == []
    own = (await newcomer.get("/v1/join-requests")).json()["items"]
    assert own[0]["reason"] == "房号不对，请核对"
    assert problem_code(await newcomer.get("/v1/me")) == "forbidden"

    clock.advance(minutes=1)
    again = await ask(newcomer, here, room="9-902")
    assert (await decide(worker, again)).status_code == 200
    own = (await newcomer.get("/v1/join-requests")).json()["items"]
    assert [row["state"] for row in own] == ["approved", "refused"]


@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": " x "}, {"reason": "x" * 201}])
async def test_a_refusal_without_a_reason_is_none(
    here: Neighbourhood, newcomer: Caller, reason: dict[str, str]
) -> None:
    asked = await ask(newcomer, here)
    worker = await here.caller("worker-1")
    path = f"/v1/staff/join-requests/{asked['join_request_id']}/refuse"
    assert (await worker.post(path, reason)).status_code == 422
    assert await waiting_for(worker) == [asked["join_request_id"]]


@pytest.mark.parametrize("first", ["approve", "refuse"])
@pytest.mark.parametrize("second", ["approve", "refuse"])
async def test_a_request_is_decided_once(
    here: Neighbourhood, newcomer: Caller, first: str, second: str
) -> None:
    asked = await ask(newcomer, here)
    worker, committee = await here.caller("worker-1"), await here.caller("committee-1")
    decided = await decide(worker, asked, first, "不是本楼住户" if first == "refuse" else "")

    again = await decide(committee, asked, second, "不是本楼住户" if second == "refuse" else "")

    assert again.status_code == 409
    assert problem_code(again) == "join_request_decided"
    own = (await newcomer.get("/v1/join-requests")).json()["items"]
    assert own == [decided.json()]


@pytest.mark.parametrize("decision", ["approve", "refuse"])
async def test_nobody_decides_their_own_request(here: Neighbourhood, decision: str) -> None:
    worker = await here.caller("worker-1")
    asked = await ask(worker, here)

    own = await decide(worker, asked, decision, "我自己" if decision == "refuse" else "")

    assert own.status_code == 403
    assert problem_code(own) == "own_join_request"
    assert (await decide(await here.caller("committee-1"), asked)).status_code == 200


@pytest.mark.parametrize("decision", ["approve", "refuse"])
@pytest.mark.parametrize("who", ["worker-2", "other-worker-1", "other-committee-1"])
async def test_a_request_of_another_grid_or_community_is_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller, decision: str, who: str
) -> None:
    asked = await ask(newcomer, here)
    place = elsewhere if who.startswith("other-") else here
    caller = await place.caller(who.removeprefix("other-"))
    answer = await decide(caller, asked, decision, "不归我管" if decision == "refuse" else "")
    assert answer.status_code == 404
    assert problem_code(answer) == "join_request_not_found"


@pytest.mark.parametrize("join_request_id", ["0", "1", str(2**63 - 1)])
async def test_a_request_nobody_made_is_not_there(
    here: Neighbourhood, join_request_id: str
) -> None:
    worker = await here.caller("worker-1")
    answer = await worker.post(f"/v1/staff/join-requests/{join_request_id}/approve")
    assert problem_code(answer) == "join_request_not_found"


async def test_a_building_of_another_community_is_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller
) -> None:
    await agree(newcomer, here.community_id)
    body = request_for(here, building_id=str(elsewhere.places.buildings[0]))
    answer = await newcomer.post("/v1/join-requests", body)
    assert answer.status_code == 404
    assert problem_code(answer) == "building_not_found"
    assert (await newcomer.get("/v1/join-requests")).json()["items"] == []


async def test_a_community_that_is_not_there_cannot_be_joined(
    here: Neighbourhood, newcomer: Caller
) -> None:
    body = request_for(here, community_id="4000000000")
    assert problem_code(await newcomer.post("/v1/join-requests", body)) == "community_not_found"


async def test_a_second_request_while_one_waits_is_refused(
    here: Neighbourhood, newcomer: Caller
) -> None:
    await ask(newcomer, here)
    again = await newcomer.post("/v1/join-requests", request_for(here, building=3))
    assert again.status_code == 409
    assert problem_code(again) == "join_request_pending"
    assert len((await newcomer.get("/v1/join-requests")).json()["items"]) == 1


async def test_one_may_ask_two_communities_at_a_time(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller
) -> None:
    await ask(newcomer, here)
    await ask(newcomer, elsewhere)
    assert len((await newcomer.get("/v1/join-requests")).json()["items"]) == 2


async def test_nobody_joins_without_agreeing_to_the_privacy_policy(
    here: Neighbourhood, newcomer: Caller
) -> None:
    refused = await newcomer.post("/v1/join-requests", request_for(here))
    assert (refused.status_code, problem_code(refused)) == (403, "consent_required")
    assert (refused.json()["purpose"], refused.json()["version"]) == ("service", 1)
    await ask(newcomer, here)


async def test_a_resident_cannot_join_again(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.post("/v1/join-requests", request_for(here))
    assert answer.status_code == 409
    assert problem_code(answer) == "already_a_resident"


async def test_a_worker_who_joins_keeps_the_role(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    await decide(await here.caller("committee-1"), await ask(worker, here))
    roles = (await worker.get("/v1/me")).json()["roles"]
    assert sorted(roles) == ["grid_worker", "resident"]
    assert await waiting_for(worker) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"display_name": ""},
        {"display_name": "   "},
        {"display_name": "赵" * 31},
        {"display_name": "赵\u0000"},
        {"display_name": "赵\n新来"},
        {"display_name": "赵\u007f"},
        {"room": ""},
        {"room": "9" * 21},
        {"community_id": "-1"},
        {"building_id": "x"},
        {"building_id": str(2**63)},
        {"building_id": None},
        {"state": "approved"},
        {"resident_id": "1"},
    ],
)
async def test_what_is_malformed_is_refused(
    here: Neighbourhood, newcomer: Caller, changes: dict[str, Any]
) -> None:
    answer = await newcomer.post("/v1/join-requests", request_for(here, **changes))
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"
    assert (await newcomer.get("/v1/join-requests")).json()["items"] == []


async def test_half_a_surrogate_pair_is_no_name(here: Neighbourhood, newcomer: Caller) -> None:
    body = json.dumps(request_for(here, display_name="\ud800"))
    headers = newcomer.headers() | {"Content-Type": "application/json"}
    answer = await here.http.post("/v1/join-requests", content=body, headers=headers)
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


async def test_requests_come_in_pages_oldest_first_for_staff_and_newest_first_for_oneself(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    mine = []
    for place in (here, elsewhere):
        clock.advance(seconds=1)
        mine.append((await ask(newcomer, place))["join_request_id"])
    clock.advance(seconds=1)
    other = (await ask(await sign_in(here.http, "other"), here))["join_request_id"]

    page = (await newcomer.get("/v1/join-requests", size=1)).json()
    assert [row["join_request_id"] for row in page["items"]] == mine[1:]
    rest = await newcomer.get("/v1/join-requests", size=1, cursor=page["next_cursor"])
    assert [row["join_request_id"] for row in rest.json()["items"]] == mine[:1]
    assert rest.json()["next_cursor"] is None

    worker = await here.caller("worker-1")
    page = (await worker.get("/v1/staff/join-requests", size=1)).json()
    assert [row["join_request_id"] for row in page["items"]] == mine[:1]
    rest = await worker.get("/v1/staff/join-requests", size=1, cursor=page["next_cursor"])
    assert [row["join_request_id"] for row in rest.json()["items"]] == [other]


async def test_a_decision_needs_no_idempotency_key_and_takes_one(
    here: Neighbourhood, newcomer: Caller
) -> None:
    asked = await ask(newcomer, here)
    worker = await here.caller("worker-1")
    path = f"/v1/staff/join-requests/{asked['join_request_id']}/approve"
    assert (await worker.post(path, key=fresh_key())).status_code == 200
