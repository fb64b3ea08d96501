"""Residents without a phone and their cards, through HTTP."""

from typing import Any

import httpx

from tests.support.caller import Caller
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood

NAME = "周秀兰"


def form(here: Neighbourhood, *, building: int = 1, **changes: Any) -> dict[str, Any]:
    body = {
        "name": NAME,
        "building_id": str(here.places.buildings[building - 1]),
        "room": "5-501",
    }
    return body | changes


async def register(
    here: Neighbourhood, *, building: int = 1, by: str = "committee-1", **changes: Any
) -> str:
    """Register a resident without a phone; return the resident's number."""
    caller = await here.caller(by)
    answer = await caller.post_once("/v1/staff/residents", form(here, building=building, **changes))
    assert answer.status_code == 201, answer.text
    number: str = answer.json()["resident_id"]
    return number


async def ask_for_card(
    here: Neighbourhood, resident_id: str, *, by: str = "worker-1"
) -> httpx.Response:
    caller = await here.caller(by)
    return await caller.post_once(f"/v1/staff/residents/{resident_id}/card")


async def issue(here: Neighbourhood, resident_id: str) -> dict[str, Any]:
    answer = await ask_for_card(here, resident_id, by="committee-1")
    assert answer.status_code == 201, answer.text
    card: dict[str, Any] = answer.json()
    return card


async def reissue(here: Neighbourhood, resident_id: str, *, by: str = "worker-1") -> httpx.Response:
    caller = await here.caller(by)
    return await caller.post_once(
        f"/v1/staff/residents/{resident_id}/card/reissue", {"reason": "遗失"}
    )


async def revoke(
    here: Neighbourhood, card: dict[str, Any], *, by: str = "worker-1", reason: str = "遗失"
) -> httpx.Response:
    caller = await here.caller(by)
    return await caller.post(f"/v1/staff/cards/{card['card_id']}/revoke", {"reason": reason})


async def cards_of(
    here: Neighbourhood, resident_id: str, *, by: str = "worker-1"
) -> list[dict[str, Any]]:
    caller = await here.caller(by)
    answer = await caller.get(f"/v1/staff/residents/{resident_id}/cards")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ask_for_sheet(
    here: Neighbourhood, *, by: str = "worker-1", **body: Any
) -> httpx.Response:
    caller = await here.caller(by)
    return await caller.post("/v1/staff/card-sheets", body)


async def scan(caller: Caller, card: dict[str, Any]) -> httpx.Response:
    """Let somebody scan a card in the mini-program and claim its resident.

    Asked for their consent, which the refusal names, they give it and scan again.
    """
    code = {"code": card["link"]}
    answer = await caller.post("/v1/join-requests/by-card", code)
    if answer.json().get("code") == "consent_required":
        await agree(caller, answer.json()["community_id"])
        answer = await caller.post("/v1/join-requests/by-card", code)
    return answer


async def decide(
    here: Neighbourhood, asked: httpx.Response, decision: str = "approve", *, by: str = "worker-1"
) -> httpx.Response:
    caller = await here.caller(by)
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/{decision}"
    return await caller.post(path, {"reason": "不是本人"} if decision == "refuse" else {})
