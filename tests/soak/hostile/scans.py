"""Short ways to write down scans."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from app.core.codes import read_code
from tests.soak.hostile.town import DAILY, GOOD, SCAN, SCAN_RESIDENT, Act, Scan, Town
from tests.support.neighbourhood import Neighbourhood

RULE, WORTH = "weekend_clean_up", 20
# Everybody in the crowd; spare residents come after them.
CROWD = tuple(f"resident-{number}" for number in range(1, 9))
TIMEZONE = "Asia/Shanghai"


def only(*codes: str) -> frozenset[str]:
    """Return what a request may be answered: these problems and nothing else."""
    return frozenset(codes)


def perhaps(*codes: str) -> frozenset[str]:
    """Return what a request may be answered that is overtaken by something."""
    return GOOD | set(codes)


async def scan(
    town: Town,
    name: str,
    code: str,
    activity: dict[str, Any] | None,
    may: frozenset[str] = GOOD,
    *,
    points: Iterable[int] = (WORTH,),
    at: Neighbourhood | None = None,
    bearer: str | None = None,
) -> Scan:
    """Let a resident scan; without an activity nothing can be earned."""
    where = at or town.here
    acts = () if activity is None else (act_of(where, name, activity),)
    if bearer is None:
        bearer = await town.bearer(name, at=where)
    return Scan(SCAN, {"code": code}, bearer, may, acts, frozenset(points))


async def scan_resident(
    town: Town,
    worker: str,
    activity: dict[str, Any],
    code: str,
    name: str | None,
    may: frozenset[str] = GOOD,
    *,
    points: Iterable[int] = (WORTH,),
) -> Scan:
    """Let a worker scan a resident; without a name nothing can be earned."""
    body = {"activity_id": activity["activity_id"], "code": code}
    acts = () if name is None else (act_of(town.here, name, activity),)
    return Scan(SCAN_RESIDENT, body, await town.bearer(worker), may, acts, frozenset(points))


async def everybody(
    town: Town,
    code: str,
    activity: dict[str, Any],
    may: frozenset[str] = GOOD,
    *,
    names: Iterable[str] = CROWD,
    points: Iterable[int] = (WORTH,),
) -> list[Scan]:
    worth = tuple(points)
    return [await scan(town, name, code, activity, may, points=worth) for name in names]


async def daily(town: Town, name: str, *days: date) -> Scan:
    """Let a resident check in for the day, which is one of these."""
    rule_id, resident_id = town.here.created.rules["daily_check_in"], town.here.resident_id(name)
    acts = tuple(
        Act(town.here.community_id, rule_id, int(resident_id), day.isoformat()) for day in days
    )
    return Scan(DAILY, {}, await town.bearer(name), GOOD, acts, frozenset({1}))


def act_of(at: Neighbourhood, name: str, activity: dict[str, Any]) -> Act:
    return Act(at.community_id, int(activity["activity_id"]), int(at.resident_id(name)))


async def announce(town: Town, **changes: Any) -> dict[str, Any]:
    """Announce an activity here, a little later than the last one."""
    town.advance(seconds=2)
    return await town.here.announce(town.clock.now, **({"rule_code": RULE} | changes))


async def warm(town: Town, code: str, activity: dict[str, Any], *, worth: int = WORTH) -> None:
    """Let two residents of the crowd scan both ways in, so that both know what they need to."""
    for name in CROWD[:2]:
        known = await scan(town, name, code, activity, points=(worth,))
        await town.fly([known, known])


async def personal(town: Town, name: str, *, at: Neighbourhood | None = None) -> str:
    """Return a resident's own code."""
    caller = await (at or town.here).caller(name)
    token: str = (await caller.get("/v1/me/code")).json()["token"]
    return token


def signed(town: Town, token: str, **changes: Any) -> str:
    """Return what we would have signed if a code said something else."""
    code, _ = read_code(token)
    return town.keys.sign_code(replace(code, **changes), now=town.clock.now)
