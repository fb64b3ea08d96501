"""What residents and the committee do with funds, through HTTP."""

from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.awards import NEVER, give_lots
from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

MEALS = "elder_meals"


def fund_path(here: Neighbourhood, code: str = MEALS) -> str:
    return f"/v1/funds/{here.created.funds[code]}"


async def give_points(
    sessionmaker: async_sessionmaker[AsyncSession],
    here: Neighbourhood,
    clock: Clock,
    points: dict[str, int],
    *,
    expiry: dict[str, Any] = NEVER,
) -> None:
    """Give residents points, by name."""
    lots = [(int(here.resident_id(name)), each, expiry) for name, each in points.items()]
    async with sessionmaker.begin() as session:
        await give_lots(session, here, lots, now=clock.now)


async def donate(
    here: Neighbourhood,
    points: object,
    *,
    name: str = "resident-1",
    path: str | None = None,
    key: str | None = None,
) -> httpx.Response:
    donor = await here.caller(name)
    body = {"points": points}
    return await donor.post(f"{path or fund_path(here)}/donations", body, key=key or fresh_key())


async def look_at(here: Neighbourhood, path: str | None = None) -> dict[str, Any]:
    """Return a fund's page."""
    reader = await here.caller("resident-2")
    answer = await reader.get(path or fund_path(here))
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def change(here: Neighbourhood, path: str, **changes: str) -> httpx.Response:
    """Let the committee say anew what a fund is for."""
    committee = await here.caller("committee-1")
    body = {"name": "助餐基金", "description": "换个说法", "state": "open"} | changes
    return await committee.put(path.replace("/v1/", "/v1/staff/"), body)


def balance_in(answer: httpx.Response) -> tuple[int, int, int, int]:
    """Return what a donation left: posted, held, available and owed points."""
    assert answer.status_code == 201, answer.text
    balance = answer.json()["balance"]
    names = ("posted_points", "held_points", "available_points", "debt_points")
    posted, held, available, debt = (balance[name] for name in names)
    return posted, held, available, debt
