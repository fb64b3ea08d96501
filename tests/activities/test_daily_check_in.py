"""The daily check-in: once a day by the calendar on the wall in Shanghai."""

from datetime import UTC, datetime

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def check_in(here: Neighbourhood, clock: Clock, at: datetime | None = None) -> httpx.Response:
    if at is not None:
        clock.now = at
        here.callers.clear()
    resident = await here.caller("resident-1")
    return await resident.post("/v1/me/daily-check-in")


async def test_the_daily_check_in_gives_a_point(here: Neighbourhood, clock: Clock) -> None:
    answer = await check_in(here, clock)
    assert answer.status_code == 201
    assert answer.json() | {"contribution_id": ""} == {
        "contribution_id": "",
        "resident_id": here.resident_id("resident-1"),
        "masked_name": "王*四",
        "title": "每日签到",
        "is_new": True,
        "points_gained": 1,
        "is_capped": False,
        "balance_points": 1,
        "rank": {"period": "all", "rank": 1, "places_gained": 0},
    }


async def test_a_second_check_in_of_the_day_changes_nothing(
    here: Neighbourhood, clock: Clock
) -> None:
    first = (await check_in(here, clock)).json()
    again = await check_in(here, clock)
    assert again.status_code == 200
    assert again.json() == first | {"is_new": False}


async def test_the_day_turns_at_midnight_in_shanghai(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    moments = [
        datetime(2026, 11, 18, 15, 59, tzinfo=UTC),  # 23:59 on the 18th
        datetime(2026, 11, 18, 16, 1, tzinfo=UTC),  # 00:01 on the 19th
        datetime(2026, 11, 19, 15, 59, tzinfo=UTC),  # 23:59 on the 19th
        datetime(2026, 11, 19, 16, 0, tzinfo=UTC),  # 00:00 on the 20th
    ]

    answers = [await check_in(here, clock, moment) for moment in moments]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 201]
    assert [answer.json()["balance_points"] for answer in answers] == [1, 2, 2, 3]
    async with sessionmaker() as session:
        occasions = await session.scalars(
            text("SELECT occasion FROM contributions ORDER BY contribution_id")
        )
        assert list(occasions) == ["2026-11-18", "2026-11-19", "2026-11-20"]
        await assert_books_balance(session, here.community_id)


async def test_midnight_of_the_server_means_nothing(here: Neighbourhood, clock: Clock) -> None:
    before = await check_in(here, clock, datetime(2026, 11, 18, 23, 59, tzinfo=UTC))
    after = await check_in(here, clock, datetime(2026, 11, 19, 0, 1, tzinfo=UTC))
    assert (before.status_code, after.status_code) == (201, 200)


async def test_everybody_checks_in_for_themselves(here: Neighbourhood, clock: Clock) -> None:
    await check_in(here, clock)
    other = await here.caller("resident-2")
    answer = await other.post("/v1/me/daily-check-in")
    assert (answer.status_code, answer.json()["rank"]["rank"]) == (201, 1)


async def test_a_community_without_the_rule_has_no_daily_check_in(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE rule_versions SET effective_until = :now WHERE rule_id = :rule"),
            {"now": clock.now, "rule": here.created.rules["daily_check_in"]},
        )
    answer = await check_in(here, clock)
    assert (answer.status_code, problem_code(answer)) == (404, "no_daily_check_in")


async def test_only_residents_check_in(here: Neighbourhood) -> None:
    for name in ("worker-1", "clerk-1", "committee-1"):
        answer = await (await here.caller(name)).post("/v1/me/daily-check-in")
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
