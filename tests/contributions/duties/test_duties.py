"""Duties that the committee assigns, and what they give when a month is over."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions import service as contributions
from app.contributions.duties import service
from app.jobs import SCHEDULES
from tests.conftest import MakeRace
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.policies import run_job

DUTIES = "/v1/staff/duties"
HEAD = "building_head"
TODAY = "2026-11-18"
# From the afternoon of 18 November to the first hour of December in Shanghai.
UNTIL_DECEMBER = {"days": 12, "hours": 10}


@dataclass
class Staff:
    """A committee that assigns duties."""

    here: Neighbourhood
    app: FastAPI
    clock: Clock

    async def try_assign(self, *names: str, by: str = "committee-1", **body: Any) -> httpx.Response:
        caller = await self.here.caller(by)
        if names:
            body["resident_ids"] = [self.here.resident_id(name) for name in names]
        return await caller.post_once(DUTIES, {"rule_code": HEAD, "starts_on": "2026-11-01"} | body)

    async def assign(self, *names: str, **body: Any) -> dict[str, Any]:
        answer = await self.try_assign(*names, **body)
        assert answer.status_code == 201, answer.text
        assigned: dict[str, Any] = answer.json()
        return assigned

    async def end(self, duty_id: str, ends_on: str) -> httpx.Response:
        caller = await self.here.caller("committee-2")
        return await caller.post(f"{DUTIES}/{duty_id}/end", {"ends_on": ends_on})

    async def duties(self, **params: Any) -> list[dict[str, Any]]:
        caller = await self.here.caller("committee-1")
        items: list[dict[str, Any]] = (await caller.get(DUTIES, **params)).json()["items"]
        return items

    async def pass_month(self, **span: float) -> None:
        """Let time pass, and the hour's job come round."""
        let_pass(self.here, self.clock, **span)
        await run_job(self.app, "award_duties")

    async def points(self, name: str) -> int:
        resident = await self.here.caller(name)
        points: int = (await resident.get("/v1/me/balance")).json()["posted_points"]
        return points

    async def awards(self) -> list[tuple[str, int, str]]:
        """Return (occasion, points, when) of every award for a duty."""
        statement = """
            SELECT occasion, granted_points, acted_at, recorded_by FROM contributions
            WHERE community_id = :community_id AND source_kind = 'duty'
            ORDER BY occasion, contribution_id
        """
        async with self.app.state.sessionmaker() as session:
            values = {"community_id": self.here.community_id}
            rows = (await session.execute(text(statement), values)).all()
        assert {row.recorded_by for row in rows} <= {0}
        return [(row.occasion, row.granted_points, row.acted_at.isoformat()) for row in rows]

    async def do(self, statement: str, **values: Any) -> None:
        async with self.app.state.sessionmaker.begin() as session:
            await session.execute(text(statement), values)


@pytest.fixture
def staff(here: Neighbourhood, app: FastAPI, clock: Clock) -> Staff:
    return Staff(here, app, clock)


async def test_a_month_is_awarded_once_when_it_is_over_there(staff: Staff) -> None:
    assigned = await staff.assign("resident-1", "resident-2")
    assert assigned == {"assigned_count": 2, "skipped_count": 0, "skipped": []}

    # Half past eleven at night on the last of the month in Shanghai.
    await staff.pass_month(days=12, hours=8.5)
    assert await staff.awards() == []
    await staff.pass_month(hours=0.5)
    await staff.pass_month(hours=1)

    when = "2026-11-30T15:59:59+00:00"
    assert await staff.awards() == [("2026-11", 20, when), ("2026-11", 20, when)]
    assert await staff.points("resident-1") == 20
    assert "award_duties" in SCHEDULES["every_hour"][1]
    async with staff.app.state.sessionmaker() as session:
        await assert_books_balance(session, staff.here.community_id)
        await assert_audit_clean(session, staff.here.community_id)


async def test_a_month_counts_for_whoever_held_it_on_its_last_day_and_for_half_of_it(
    staff: Staff,
) -> None:
    await staff.assign("resident-1", starts_on="2026-11-16")
    await staff.assign("resident-2", starts_on="2026-11-17")
    await staff.assign("resident-3", "resident-4", "resident-5")
    duties = {duty["masked_name"]: duty["duty_id"] for duty in await staff.duties()}
    assert (await staff.end(duties["张*英"], "2026-11-29")).status_code == 200
    assert (await staff.end(duties["刘*明"], "2026-11-30")).status_code == 200
    await staff.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(staff.here.resident_id("resident-5")),
    )

    await staff.pass_month(**UNTIL_DECEMBER)

    points = [await staff.points(f"resident-{number}") for number in (1, 2, 3, 4)]
    assert points == [20, 0, 0, 20]
    assert len(await staff.awards()) == 2


async def test_months_that_no_worker_awarded_are_caught_up_three_back(staff: Staff) -> None:
    await staff.assign("resident-1")

    await staff.pass_month(days=135)  # 2 April

    assert [occasion for occasion, _, _ in await staff.awards()] == [
        "2027-01", "2027-02", "2027-03"
    ]  # fmt: skip


async def test_a_grid_or_everybody_is_assigned_at_once_and_holders_are_told(staff: Staff) -> None:
    await staff.assign("resident-2")

    grid = await staff.assign(grid_id=str(staff.here.places.grids[0]))
    all_of_us = await staff.assign(everybody=True)

    skipped = {"resident_id": staff.here.resident_id("resident-2"), "reason": "held_already"}
    assert grid == {"assigned_count": 3, "skipped_count": 1, "skipped": [skipped]}
    assert (all_of_us["assigned_count"], all_of_us["skipped_count"]) == (2, 4)
    assert len(await staff.duties(rule_code=HEAD)) == 6
    assert await staff.duties(rule_code="survey") == []


async def test_nobody_assigns_a_duty_to_themselves_or_their_household(staff: Staff) -> None:
    await staff.do(
        "UPDATE residents SET person_id = (SELECT person_id FROM role_grants WHERE community_id ="
        " :community_id AND role = 'committee' ORDER BY role_grant_id LIMIT 1)"
        " WHERE resident_id = :resident",
        community_id=staff.here.community_id, resident=int(staff.here.resident_id("resident-1")),
    )  # fmt: skip

    named = await staff.try_assign("resident-1", "resident-2")
    swept = await staff.assign(everybody=True)

    assert problem_code(named) == "own_duty"
    own = {"resident_id": staff.here.resident_id("resident-1"), "reason": "own"}
    assert (swept["assigned_count"], swept["skipped"]) == (5, [own])
    await staff.do(
        "UPDATE residents SET household_id = (SELECT household_id FROM residents AS own"
        " WHERE own.community_id = :community_id AND own.resident_id = :resident)"
        " WHERE community_id = :community_id AND resident_id = :family",
        community_id=staff.here.community_id, resident=int(staff.here.resident_id("resident-1")),
        family=int(staff.here.resident_id("resident-2")),
    )  # fmt: skip
    family = await staff.try_assign("resident-2", starts_on="2027-01-01")
    assert problem_code(family) == "own_duty"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rule_code": "survey"}, "rule_not_monthly"),
        ({"rule_code": "sorted_wrongly"}, "rule_not_monthly"),
        ({"rule_code": "flying"}, "rule_not_found"),
        ({"starts_on": "2026-10-31"}, "duty_in_the_past"),
        ({"resident_ids": None, "grid_id": "17"}, "grid_not_found"),
        ({"resident_ids": ["17"]}, "resident_not_found"),
        ({"everybody": True}, "request_invalid"),
        ({"resident_ids": None}, "request_invalid"),
        ({"resident_ids": ["1"] * 1001}, "request_invalid"),
    ],
)
async def test_what_cannot_be_a_duty_is_refused(
    body: dict[str, Any], code: str, staff: Staff
) -> None:
    whole = {"resident_ids": [staff.here.resident_id("resident-1")]} | body

    assert problem_code(await staff.try_assign(**whole)) == code


async def test_a_duty_is_ended_once_and_can_be_held_again_later(staff: Staff) -> None:
    await staff.assign("resident-1")
    (duty,) = await staff.duties()

    assert problem_code(await staff.end(duty["duty_id"], "2026-10-31")) == "duty_ends_before_start"
    ended = await staff.end(duty["duty_id"], TODAY)
    again = await staff.end(duty["duty_id"], TODAY)
    other = await staff.end(duty["duty_id"], "2026-11-20")
    assert ended.json() == again.json()
    assert problem_code(other) == "duty_ended"
    assert problem_code(await staff.end("17", TODAY)) == "duty_not_found"
    overlapping = await staff.assign("resident-1", starts_on=TODAY)
    following = await staff.assign("resident-1", starts_on="2026-11-19")
    assert (overlapping["skipped_count"], following["assigned_count"]) == (1, 1)


async def test_a_last_day_that_is_to_come_is_set_to_an_earlier_one(staff: Staff) -> None:
    await staff.assign("resident-1")
    (duty,) = await staff.duties()
    await staff.end(duty["duty_id"], "2099-11-20")  # for 2026

    corrected = await staff.end(duty["duty_id"], "2026-11-20")
    later = await staff.end(duty["duty_id"], "2026-11-21")
    await staff.pass_month(**UNTIL_DECEMBER)
    over = await staff.end(duty["duty_id"], "2026-11-19")

    assert corrected.json()["ends_on"] == "2026-11-20"
    assert problem_code(later) == problem_code(over) == "duty_ended"
    assert await staff.awards() == []


async def test_holders_are_told_of_each_month(staff: Staff) -> None:
    await staff.assign("resident-1")

    await staff.pass_month(**UNTIL_DECEMBER)
    await staff.pass_month(hours=1)

    resident = await staff.here.caller("resident-1")
    (message,) = (await resident.get("/v1/me/messages")).json()["items"]
    assert message["kind"] == "points_awarded"
    assert message["body"].startswith("2026 年 11 月岗位职责：“")
    assert message["body"].endswith("” 20 分已到账。")


async def test_residents_and_duties_of_another_community_are_unknown(
    staff: Staff, elsewhere: Neighbourhood
) -> None:
    await staff.assign("resident-1")
    (duty,) = await staff.duties()
    stranger = await elsewhere.caller("committee-1")

    answer = await stranger.post(f"{DUTIES}/{duty['duty_id']}/end", {"ends_on": TODAY})
    theirs = await staff.try_assign(resident_ids=[str(elsewhere.residents["other-resident-1"])])

    assert problem_code(answer) == "duty_not_found"
    assert problem_code(theirs) == "resident_not_found"


async def test_a_job_that_is_broken_off_goes_on_where_it_was(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    await staff.assign(everybody=True)
    calls: list[Any] = []

    async def break_off(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise ConnectionError
        return await contributions.award_all(*given, **named)

    monkeypatch.setattr(service, "award_all", break_off)
    with pytest.raises(ConnectionError):
        await staff.pass_month(**UNTIL_DECEMBER)
    assert len(await staff.awards()) == 2
    await staff.pass_month(hours=1)

    assert len(await staff.awards()) == 6
    assert [await staff.points(f"resident-{number}") for number in range(1, 7)] == [20] * 6


async def test_committees_and_workers_at_once_assign_and_award_once(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    app_of_session: FastAPI,
    clock: Clock,
) -> None:
    staff = Staff(await race(6), app_of_session, clock)
    assert app_of_session.state.sessionmaker is race_sessionmaker
    await asyncio.gather(*(staff.here.caller(f"committee-{number}") for number in (1, 2)))

    assigned = await asyncio.gather(
        *(staff.assign(everybody=True, by=f"committee-{1 + number % 2}") for number in range(4))
    )
    let_pass(staff.here, clock, **UNTIL_DECEMBER)
    await asyncio.gather(*(run_job(app_of_session, "award_duties") for _ in range(3)))

    assert sum(answer["assigned_count"] for answer in assigned) == 6
    assert len(await staff.awards()) == 6
    assert [await staff.points(f"resident-{number}") for number in range(1, 7)] == [20] * 6
