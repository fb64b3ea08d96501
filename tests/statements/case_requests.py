"""The main requests about hazards, each ready to be sent once."""

from typing import Any

from tests.cases.filing import IN_FIRST, Watch, draw_grids
from tests.statements.requests import Request
from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import jpeg, post_photo, send_photo

# Pays on acceptance and with the solution, to the reporter and to who joined.
PAID_BY_STEPS = "street_lamp"
SENT_BY_NOBODY_ELSE = 1_000_000

# With points that come with the report, the "me too", the acceptance and the solution.
CASE_STATEMENTS = {
    "send a photo": 9,
    "report": 14,
    "cases nearby": 5,
    "me too": 11,
    "accept": 17,
    "resolve": 20,
    "published cases": 4,
    "my case": 5,
}


async def case_requests(here: Neighbourhood, clock: Clock) -> dict[str, Request]:
    """Return every main request about hazards."""
    watch = Watch(here, clock)
    await draw_grids(here)
    return await _requests_of_residents(watch) | await _requests_of_staff(watch)


async def _requests_of_residents(watch: Watch) -> dict[str, Request]:
    place = {"position": IN_FIRST, "building_id": None}
    case_id = await watch.file("resident-2", **place)
    own_id = await watch.file("resident-1", **place)
    report = await watch.case_of("resident-1", **place)
    resident = await watch.agreed("resident-1")
    nearby: dict[str, Any] = {"category_code": report["category_code"], **IN_FIRST}
    return {
        "send a photo": lambda: post_photo(resident, jpeg(SENT_BY_NOBODY_ELSE)),
        "report": lambda: resident.post("/v1/cases", report, key=fresh_key()),
        "cases nearby": lambda: resident.get("/v1/cases/nearby", **nearby),
        "me too": lambda: resident.post(f"/v1/cases/{case_id}/join"),
        "published cases": lambda: resident.get("/v1/cases"),
        "my case": lambda: resident.get(f"/v1/me/cases/{own_id}"),
    }


async def _requests_of_staff(watch: Watch) -> dict[str, Request]:
    new_id = await watch.file("resident-4", category_code=PAID_BY_STEPS)
    accepted_id = await watch.file("resident-4", category_code=PAID_BY_STEPS)
    for case_id in (new_id, accepted_id):
        await watch.join(case_id, "resident-5")
    await watch.do(accepted_id, "accept")
    worker = await watch.agreed("worker-1")
    result = {"result": "已更换灯泡", "photo_ids": [await send_photo(worker)]}
    path = "/v1/staff/cases"
    return {
        "accept": lambda: worker.post(f"{path}/{new_id}/accept", key=fresh_key()),
        "resolve": lambda: worker.post(f"{path}/{accepted_id}/resolve", result, key=fresh_key()),
    }
