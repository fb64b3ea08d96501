"""A policy to consent to, and short ways to do so.

The preset of a neighbourhood comes with a policy: what a test publishes first is version 2.
"""

from datetime import datetime
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.models import Community
from tests.support.caller import Caller
from tests.support.neighbourhood import Neighbourhood

FIRST = 2
TEXT = "本社区积分服务由社区居民委员会负责，我们只收集提供服务所必需的个人信息，并严格保密。" * 2


def purpose(code: str, *, is_required: bool = False, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "description": "为您提供服务。",
        "is_required": is_required,
        "keeps": "账号注销后 30 天内删除",
    } | changes


PURPOSES = [purpose("service", is_required=True), purpose("location"), purpose("phone")]


async def publish(here: Neighbourhood, **changes: Any) -> httpx.Response:
    """Let the committee publish a version, of another text unless it is given."""
    committee = await here.caller("committee-1")
    body = {"text": TEXT, "purposes": PURPOSES} | changes
    return await committee.post("/v1/staff/privacy-policies", body)


async def agree(
    caller: Caller, here: Neighbourhood, *purposes: str, version: int = FIRST, **changes: Any
) -> httpx.Response:
    body = {
        "community_id": str(here.community_id),
        "version": version,
        "purposes": list(purposes),
    }
    return await caller.post("/v1/consents", body | changes)


async def withdraw(caller: Caller, here: Neighbourhood, code: str) -> httpx.Response:
    path = f"/v1/consents/{here.community_id}/{code}"
    return await caller.http.delete(path, headers=caller.headers())


async def consents_of(caller: Caller, here: Neighbourhood) -> dict[str, dict[str, Any]]:
    """Return a person's consents by purpose."""
    answer = await caller.get("/v1/consents", community_id=str(here.community_id))
    assert answer.status_code == 200, answer.text
    return {item["code"]: item for item in answer.json()["items"]}


async def make_silent_community(
    sessionmaker: async_sessionmaker[AsyncSession], *, now: datetime
) -> int:
    """Make a community that has told nobody anything about their data."""
    silent = Community(
        region_id=None, code="silent", name="无言社区", timezone="Asia/Shanghai", created_at=now
    )
    async with sessionmaker.begin() as session:
        session.add(silent)
        await session.flush()
    return silent.community_id
