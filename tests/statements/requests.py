"""The main requests, each ready to be sent once."""

from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI

from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood
from tests.support.sealing import seal_all

Request = Callable[[], Awaitable[httpx.Response]]

# Reads send SET TRANSACTION READ ONLY first, which is counted; while serving they need not. Of a
# check-in's eight, three are to get to know the activity: whoever comes next needs five.
STATEMENTS = {
    "scan the activity's code": 8,
    "scan a resident's code": 8,
    "daily check-in": 8,
    "home page": 9,
    "balance": 3,
    "statement": 3,
    "statement's months": 3,
    "statement to keep": 5,
    "statement on paper": 5,
    "a line's receipt": 5,
    "newest checkpoint": 2,
    "the sealed book": 2,
    "my rank": 4,
    "board page": 4,
    "catalogue": 3,
    "redeem": 4,
    "funds": 3,
    "a fund": 3,
    "donate": 7,
    "prepare": 3,
    "consume": 6,
    "take back": 7,
    "propose an award": 8,
    "approve an award": 12,
}


async def main_requests(here: Neighbourhood, clock: Clock, app: FastAPI) -> dict[str, Request]:
    """Return every main request; whoever makes one has points and neighbours on the board."""
    for _ in range(4):
        await here.give("resident-1", "legal_advice")
    await here.give("resident-3", "survey")
    for _ in range(5):
        await here.give("resident-4", "legal_advice")
    await seal_all(app, now=clock.now)
    return await _requests_of_residents(here, clock) | await _requests_of_staff(here)


async def _requests_of_residents(there: Neighbourhood, clock: Clock) -> dict[str, Request]:
    token = await there.poster(await there.announce(clock.now))
    other = await there.announce(clock.now)
    resident = await there.caller("resident-1")
    code = (await resident.get("/v1/me/code")).json()["token"]
    worker = await there.caller("worker-1")
    scan = {"activity_id": other["activity_id"], "code": code}
    fund = f"/v1/funds/{there.created.funds['elder_meals']}"
    redeem = f"/v1/rewards/{there.reward_id('canteen_meal')}/redeem"
    line = (await resident.get("/v1/me/statement")).json()["items"][0]
    public = f"/v1/public/communities/{there.community_id}"
    receipt = f"/v1/me/statement/{line['transfer_id']}/receipt"
    return {
        "scan the activity's code": lambda: resident.post("/v1/me/check-ins", {"code": token}),
        "scan a resident's code": lambda: worker.post("/v1/staff/check-ins", scan),
        "daily check-in": lambda: resident.post("/v1/me/daily-check-in"),
        "home page": lambda: resident.get("/v1/me/home"),
        "balance": lambda: resident.get("/v1/me/balance"),
        "statement": lambda: resident.get("/v1/me/statement"),
        "statement's months": lambda: resident.get("/v1/me/statement/months"),
        "statement to keep": lambda: resident.get("/v1/me/statement.csv"),
        "statement on paper": lambda: resident.get("/v1/me/statement.pdf"),
        "a line's receipt": lambda: resident.get(receipt),
        "newest checkpoint": lambda: resident.get(f"{public}/checkpoints/latest"),
        "the sealed book": lambda: resident.get(f"{public}/book"),
        "my rank": lambda: resident.get("/v1/me/rank"),
        "board page": lambda: resident.get("/v1/boards/residents"),
        "catalogue": lambda: resident.get("/v1/rewards"),
        "redeem": lambda: resident.post(redeem, key=fresh_key()),
        "funds": lambda: resident.get("/v1/funds"),
        "a fund": lambda: resident.get(fund),
        "donate": lambda: resident.post_once(f"{fund}/donations", {"points": 20}),
    }


async def _requests_of_staff(there: Neighbourhood) -> dict[str, Request]:
    clerk = await there.caller("clerk-2")
    committee = await there.caller("committee-1")
    resident = await there.caller("resident-1")
    shop_id = there.shop_id("canteen")
    reward_id = there.reward_id("canteen_meal")
    codes = [
        (await resident.post_once(f"/v1/rewards/{reward_id}/redeem")).json()["token"]
        for _ in range(2)
    ]
    ask = {"shop_id": shop_id, "code": codes[0]}
    consumed = await clerk.post(
        "/v1/merchant/vouchers/consume",
        {"shop_id": shop_id, "code": codes[1], "out_request_no": "earlier-1"},
    )
    back = {
        "shop_id": shop_id,
        "out_request_no": "back-0001",
        "verification_id": consumed.json()["verification_id"],
        "reason": "点错了",
    }
    award = there.posting("award", "resident-2", rule_code="mediation", reason="劝和邻居")
    proposed = (await committee.post_once(POSTINGS, award)).json()["posting_id"]
    await there.caller("committee-2")
    return {
        "prepare": lambda: clerk.post("/v1/merchant/vouchers/prepare", ask),
        "consume": lambda: clerk.post(
            "/v1/merchant/vouchers/consume", ask | {"out_request_no": "consume-1"}
        ),
        "take back": lambda: clerk.post("/v1/merchant/vouchers/cancel", back),
        "propose an award": lambda: committee.post_once(POSTINGS, award),
        "approve an award": lambda: there.approve(proposed),
    }
