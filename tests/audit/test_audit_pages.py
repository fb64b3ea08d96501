"""What the API and the metrics tell of audits."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.service import run_audit
from app.core.database import make_engine, make_sessionmaker
from tests.audit.test_audits import plant
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all

Sessions = async_sessionmaker[AsyncSession]
GAUGES = (
    "gridpoints_audit_differences",
    "gridpoints_audit_oldest_seconds",
    "gridpoints_seal_lag_seconds",
)


async def latest(http: httpx.AsyncClient, community_id: int) -> httpx.Response:
    return await http.get(f"/v1/public/communities/{community_id}/audits/latest")


async def gauges(http: httpx.AsyncClient) -> dict[str, float]:
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    return {
        family.name: family.samples[0].value
        for family in text_string_to_metric_families(answer.text)
        if family.name in GAUGES
    }


async def test_anybody_sees_when_the_book_was_audited_and_how_it_ended(
    http: httpx.AsyncClient, here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "survey")
    answer = await latest(http, here.community_id)
    assert (answer.status_code, problem_code(answer)) == (404, "no_audit_yet")

    ended = await run_audit(sessionmaker, here.community_id, clock=clock)
    at = "2026-11-18T07:00:00Z"
    assert (await latest(http, here.community_id)).json() == {
        "state": "clean", "checked": ended.checked, "started_at": at, "ended_at": at,
    }  # fmt: skip


async def test_an_audit_that_runs_is_shown_only_until_one_has_ended(
    http: httpx.AsyncClient, here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    running = "INSERT INTO audits (community_id, audit_id, state, started_at, updated_at) VALUES"
    await plant(
        sessionmaker, f"{running} ({here.community_id}, 1, 'running', '2026-11-01', '2026-11-01')"
    )
    shown = (await latest(http, here.community_id)).json()
    assert (shown["state"], shown["ended_at"]) == ("running", None)
    await run_audit(sessionmaker, here.community_id, clock=clock)
    await plant(
        sessionmaker,
        f"{running} ({here.community_id}, {2**62}, 'running', '2026-12-01', '2026-12-01')",
    )
    assert (await latest(http, here.community_id)).json()["state"] == "clean"


async def test_only_the_committee_sees_what_an_audit_found(
    http: httpx.AsyncClient, here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "survey")
    await run_audit(sessionmaker, here.community_id, clock=clock)
    await plant(sessionmaker, "UPDATE standings SET score = score + 1")
    clock.now += timedelta(minutes=1)
    await run_audit(sessionmaker, here.community_id, clock=clock)

    told = (await latest(http, here.community_id)).json()
    assert (told["state"], "difference" in told) == ("different", False)
    committee = await here.caller("committee-1")
    page = (await committee.get("/v1/staff/audits", size=1)).json()
    (newest,) = page["items"]
    assert newest["difference"]["check"] == "scores follow from awards and deductions"
    assert newest["difference"]["subject"].startswith("score of resident ")
    rest = await committee.get("/v1/staff/audits", cursor=page["next_cursor"])
    (before,) = rest.json()["items"]
    assert (before["state"], before["difference"], rest.json()["next_cursor"]) == (
        "clean", None, None,
    )  # fmt: skip
    worker = await here.caller("worker-1")
    assert (await worker.get("/v1/staff/audits")).status_code == 403


async def test_audits_of_others_are_not_listed(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await run_audit(sessionmaker, here.community_id, clock=clock)
    committee = await elsewhere.caller("committee-1")
    assert (await committee.get("/v1/staff/audits")).json()["items"] == []


async def test_metrics_tell_differences_old_audits_and_what_waits_to_be_sealed(
    app: FastAPI, http: httpx.AsyncClient, here: Neighbourhood, sessionmaker: Sessions,
    clock: Clock,
) -> None:  # fmt: skip
    await here.give("resident-1", "survey")
    await run_audit(sessionmaker, here.community_id, clock=clock)
    clock.now += timedelta(seconds=50)
    await here.give("resident-2", "survey")
    assert await gauges(http) == dict(zip(GAUGES, (0, 50, 50), strict=True))

    await seal_all(app, now=clock.now)
    await plant(sessionmaker, "UPDATE standings SET score = score + 1")
    await run_audit(sessionmaker, here.community_id, clock=clock)
    assert await gauges(http) == dict(zip(GAUGES, (1, 50, 0), strict=True))

    clock.now += timedelta(seconds=10)
    await plant(sessionmaker, "UPDATE standings SET score = score - 1")
    await run_audit(sessionmaker, here.community_id, clock=clock)
    assert await gauges(http) == dict(zip(GAUGES, (0, 0, 0), strict=True))


async def test_a_community_never_audited_counts_from_its_beginning(
    http: httpx.AsyncClient, here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        began = await session.scalar(
            text("SELECT created_at FROM communities WHERE community_id = :id"),
            {"id": here.community_id},
        )
    assert began is not None
    age = (clock.now - began).total_seconds()
    assert (await gauges(http))["gridpoints_audit_oldest_seconds"] == age > 0


@pytest.mark.usefixtures("app")
async def test_without_the_database_metrics_leave_out_what_it_would_tell(
    app: FastAPI, http: httpx.AsyncClient
) -> None:
    # Nobody listens on port 1.
    engine = make_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", pool_size=1)
    app.state.sessionmaker = make_sessionmaker(engine)
    answer = await http.get("/metrics")
    await engine.dispose()
    assert answer.status_code == 200
    assert "gridpoints_http_requests_total" in answer.text
    assert not any(name in answer.text for name in GAUGES)
