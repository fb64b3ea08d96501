"""Short ways to take points with a task that gives them back, and to do it."""

from typing import Any

import httpx

from tests.contributions.by_hand.desk import Desk

MINE = "/v1/me/repairs"
STAFF = "/v1/staff/repairs"
DONE = {"report": "周六上午值守两小时"}


async def fine_with_task(
    desk: Desk, name: str = "resident-1", **changes: Any
) -> dict[str, Any] | None:
    """Take 5 points for which there is a task; return the task as the resident sees it."""
    body = desk.under_rule("deduction", name, repair_task="参加一次分类值守", **changes)
    await desk.here.post_by_hand(body)
    checker = await desk.here.caller("committee-2")
    tasks: list[dict[str, Any]] = (await checker.get(STAFF)).json()["items"]
    own = [task for task in tasks if task["resident_id"] == desk.here.resident_id(name)]
    return own[0] if own else None


async def task_for(desk: Desk, name: str = "resident-1", **changes: Any) -> dict[str, Any]:
    """Take points from somebody who has some; return the task."""
    await desk.here.give(name, "survey")
    task = await fine_with_task(desk, name, **changes)
    assert task is not None
    return task


async def report(desk: Desk, number: str, name: str = "resident-1", **more: Any) -> httpx.Response:
    resident = await desk.here.caller(name)
    return await resident.post_once(f"{MINE}/{number}/report", DONE | more)


async def decide(
    desk: Desk, number: str, way: str = "acceptance", by: str = "committee-2"
) -> httpx.Response:
    checker = await desk.here.caller(by)
    body = {"reason": "照片看不清"} if way == "refusal" else None
    return await checker.post(f"{STAFF}/{number}/{way}", body)
