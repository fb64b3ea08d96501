"""Joining at the same moment, on a database that commits."""

import asyncio
from collections import Counter

from tests.conftest import MakeRace
from tests.support.caller import sign_in
from tests.support.consenting import agree


async def test_ten_requests_of_one_person_at_once_are_one_request(race: MakeRace) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    body = {
        "community_id": str(here.community_id),
        "display_name": "赵新来",
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }

    answers = await asyncio.gather(*(newcomer.post("/v1/join-requests", body) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert {answer.json().get("code") for answer in answers} == {None, "join_request_pending"}


async def test_ten_decisions_at_once_are_one_decision(race: MakeRace) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    body = {
        "community_id": str(here.community_id),
        "display_name": "赵新来",
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }
    asked = await newcomer.post("/v1/join-requests", body)
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}"
    deciders = [await here.caller("worker-1"), await here.caller("committee-1")]

    answers = await asyncio.gather(
        *(decider.post(f"{path}/approve") for decider in deciders for _ in range(3)),
        *(decider.post(f"{path}/refuse", {"reason": "不认识"}) for decider in deciders),
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
    public = await here.http.get(f"/v1/public/communities/{here.community_id}")
    decided = next(answer.json()["state"] for answer in answers if answer.status_code == 200)
    assert public.json()["residents"] == (2 if decided == "approved" else 1)


async def test_neighbours_approved_at_once_share_the_new_flat(race: MakeRace) -> None:
    here = await race(1)
    committee = await here.caller("committee-1")
    paths = []
    for number in range(6):
        newcomer = await sign_in(here.http, f"newcomer-{number}")
        await agree(newcomer, here.community_id)
        body = {
            "community_id": str(here.community_id),
            "display_name": "赵新来",
            "building_id": str(here.places.buildings[0]),
            "room": "9-901",
        }
        asked = await newcomer.post("/v1/join-requests", body)
        paths.append(f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve")

    answers = await asyncio.gather(*(committee.post(path) for path in paths))

    assert [answer.status_code for answer in answers] == [200] * 6
    found = await committee.get("/v1/staff/residents", name="赵新来")
    assert [row["room"] for row in found.json()["items"]] == ["9-901"] * 6
