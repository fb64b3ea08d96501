"""Residents check in by scanning the activity's code."""

from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def test_scanning_the_poster_gives_points_and_tells_the_new_rank(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    token = await here.poster(activity)
    await here.give("resident-2", "survey")
    resident = await here.caller("resident-1")

    answer = await resident.post("/v1/me/check-ins", {"code": token})

    assert answer.status_code == 201
    assert answer.json() | {"contribution_id": ""} == {
        "contribution_id": "",
        "resident_id": here.resident_id("resident-1"),
        "masked_name": "王*四",
        "title": "周末大扫除",
        "is_new": True,
        "points_gained": 20,
        "is_capped": False,
        "balance_points": 20,
        "rank": {"period": "all", "rank": 1, "places_gained": 1},
    }
