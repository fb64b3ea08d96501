"""Who joins is welcomed with points, where a rule says so: once, whenever the worker comes by."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions import service as contributions
from app.contributions.newcomers import service
from app.jobs import SCHEDULES
from tests.conftest import NOW, MakeRace
from tests.support.books import assert_books_balance
from tests.support.caller import sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.policies import run_job
from tests.support.rules import add_rules
from tests.support.working import work_off

WELCOME = {"code": "welcome", "name": "新居民见面礼", "points": 50, "arrives_on": "joined"}
TASK = {"code": "first_steps", "name": "新人任务", "points": 5, "arrives_on": "joined"}
JOINED = NOW - timedelta(days=30)

Sessions = async_sessionmaker[AsyncSession]


async def awards(sessions: Sessions, here: Neighbourhood) -> list[tuple[int, int, datetime]]:
    """Return (resident, points, when) of every welcome."""
    statement = """
        SELECT resident_id, granted_points, acted_at FROM contributions
        WHERE community_id = :community_id AND source_kind = 'newcomer' ORDER BY resident_id
    """
    async with sessions() as session:
        rows = await session.execute(text(statement), {"community_id": here.community_id})
        return [(row.resident_id, row.granted_points, row.acted_at) for row in rows]


async def test_everybody_who_joined_under_the_rule_is_welcomed_once(
    here: Neighbourhood, app: FastAPI, sessionmaker: Sessions
) -> None:
    left, early = (int(here.resident_id(f"resident-{number}")) for number in (1, 2))
    await add_rules(sessionmaker, here.community_id, [WELCOME, TASK], since=JOINED)
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE residents SET state = 'left' WHERE resident_id = :who"), {"who": left}
        )
        await session.execute(
            text("UPDATE residents SET joined_at = :when WHERE resident_id = :who"),
            {"who": early, "when": JOINED - timedelta(seconds=1)},
        )

    await run_job(app, "welcome_newcomers")
    await run_job(app, "welcome_newcomers")

    found = await awards(sessionmaker, here)
    welcomed = {resident for resident, _, _ in found}
    assert welcomed == set(here.residents.values()) - {left, early}
    assert sorted(points for _, points, _ in found) == [5] * 4 + [50] * 4
    assert {when for _, _, when in found} == {JOINED}
    resident = await here.caller("resident-3")
    (line, _) = (await resident.get("/v1/me/statement")).json()["items"]
    assert line["memo"] in {"新居民见面礼", "新人任务"}
    (message,) = (await resident.get("/v1/me/messages")).json()["items"]
    assert message["body"].startswith("欢迎加入社区：“")
    assert message["body"].endswith("，共 55 分已到账。")
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_who_joined_more_than_sixty_days_ago_is_not_surprised_any_more(
    here: Neighbourhood, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    await add_rules(sessionmaker, here.community_id, [WELCOME], since=JOINED)
    let_pass(here, clock, days=30)

    await run_job(app, "welcome_newcomers")

    assert await awards(sessionmaker, here) == []
    assert "welcome_newcomers" in SCHEDULES["every_hour"][1]


async def test_whoever_is_registered_or_admitted_is_welcomed_at_once(
    here: Neighbourhood, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    let_pass(here, clock, minutes=1)
    await add_rules(sessionmaker, here.community_id, [WELCOME], since=clock.now)
    worker = await here.caller("worker-1")
    building_id = str(here.places.buildings[0])
    registered = await worker.post_once(
        "/v1/staff/residents", {"name": "赵奶奶", "building_id": building_id, "room": "9-901"}
    )
    assert registered.status_code == 201, registered.text
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    asked = await newcomer.post(
        "/v1/join-requests", {
            "community_id": str(here.community_id), "building_id": building_id, "room": "9-902",
            "display_name": "孙先生",
        },
    )  # fmt: skip
    assert asked.status_code == 201, asked.text
    request_id = asked.json()["join_request_id"]
    approved = await worker.post(f"/v1/staff/join-requests/{request_id}/approve")
    assert approved.status_code == 200, approved.text

    assert (await work_off(app)).count("welcome_newcomers") == 2
    assert [points for _, points, _ in await awards(sessionmaker, here)] == [50, 50]


async def test_a_job_that_is_broken_off_or_run_twice_at_once_welcomes_once(
    race: MakeRace,
    race_sessionmaker: Sessions,
    app_of_session: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = await race(6)
    await add_rules(race_sessionmaker, here.community_id, [WELCOME], since=JOINED)
    monkeypatch.setattr(service, "BATCH", 2)
    calls: list[Any] = []

    async def break_off(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise ConnectionError
        return await contributions.award_all(*given, **named)

    monkeypatch.setattr(service, "award_all", break_off)
    with pytest.raises(ConnectionError):
        await run_job(app_of_session, "welcome_newcomers")
    begun = await awards(race_sessionmaker, here)

    await asyncio.gather(*(run_job(app_of_session, "welcome_newcomers") for _ in range(3)))

    assert len(begun) == 2
    welcomed = [points for _, points, _ in await awards(race_sessionmaker, here)]
    assert welcomed == [50] * 6
