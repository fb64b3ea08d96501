"""Residents check in by scanning the activity's code."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.book_rows import count
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

FORMS = ("poster", "rotating")
# Rules of the preset by what they give.
WORTH = {5: "survey", 10: "clean_up", 15: "story_evening", 20: "mediation", 30: "organising",
         50: "legal_advice"}  # fmt: skip


async def scan(here: Neighbourhood, code: str, *, name: str = "resident-1") -> httpx.Response:
    resident = await here.caller(name)
    return await resident.post("/v1/me/check-ins", {"code": code})


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


async def test_scanning_again_changes_nothing(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    token = await here.poster(await here.announce(clock.now))
    first = (await scan(here, token)).json()
    clock.advance(minutes=5)

    again = await scan(here, token)

    assert again.status_code == 200
    assert again.json() == first | {
        "is_new": False, "rank": first["rank"] | {"places_gained": 0},
    }  # fmt: skip
    assert again.json()["points_gained"] == 20
    async with sessionmaker() as session:
        assert await count(session, "transfers", community_id=here.community_id) == 1
        await assert_books_balance(session, here.community_id)


async def test_the_poster_and_the_rotating_code_of_an_activity_are_one_check_in(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    answers = [await scan(here, await here.poster(activity, form)) for form in FORMS]
    assert [answer.status_code for answer in answers] == [201, 200]


async def test_two_activities_are_two_check_ins(here: Neighbourhood, clock: Clock) -> None:
    for balance in (20, 40):
        token = await here.poster(await here.announce(clock.now))
        answer = await scan(here, token)
        assert (answer.status_code, answer.json()["balance_points"]) == (201, balance)


async def test_an_activity_of_several_units_earns_them_all(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now, rule_code="volunteer_hour", units=3)
    answer = await scan(here, await here.poster(activity))
    assert answer.json()["points_gained"] == 30


async def test_a_check_in_past_a_cap_earns_what_is_left_and_says_so(
    here: Neighbourhood, clock: Clock
) -> None:
    told = []
    for _ in range(3):
        activity = await here.announce(clock.now, rule_code="volunteer_hour", units=5)
        token = await here.poster(activity)
        answer = (await scan(here, token)).json()
        told.append((answer["points_gained"], answer["is_capped"], answer["is_new"]))
    again = (await scan(here, token)).json()
    assert told == [(50, False, True), (30, True, True), (0, True, True)]
    assert (again["points_gained"], again["is_new"]) == (0, False)


async def test_check_in_opens_half_an_hour_before_the_start(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now + timedelta(minutes=31))
    token = await here.poster(activity)

    early = await scan(here, token)
    clock.advance(minutes=1)

    assert (early.status_code, problem_code(early)) == (409, "check_in_not_open")
    assert early.json()["opens_at"] == "2026-11-18T15:01+08:00"
    assert (await scan(here, token)).status_code == 201


async def test_check_in_closes_when_it_was_said_to(here: Neighbourhood, clock: Clock) -> None:
    closes_at = clock.now + timedelta(minutes=10)
    activity = await here.announce(clock.now, check_in_closes_at=closes_at.isoformat())
    clock.advance(minutes=9, seconds=50)
    rotating = await here.poster(activity, "rotating")
    assert (await scan(here, rotating)).status_code == 201
    clock.advance(seconds=10)

    late = await scan(here, rotating, name="resident-2")

    assert (late.status_code, problem_code(late)) == (409, "check_in_closed")
    assert late.json()["closed_at"] == "2026-11-18T15:10+08:00"


async def test_nobody_checks_in_to_a_cancelled_activity(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    token = await here.poster(activity)
    await scan(here, token)
    worker = await here.caller("worker-1")
    await worker.post(f"/v1/staff/activities/{activity['activity_id']}/cancel")

    answer = await scan(here, token, name="resident-2")

    assert (answer.status_code, problem_code(answer)) == (409, "activity_is_cancelled")
    resident = await here.caller("resident-1")
    assert (await resident.get("/v1/me/balance")).json()["posted_points"] == 20


async def test_staff_without_a_flat_of_their_own_do_not_check_in(
    here: Neighbourhood, clock: Clock
) -> None:
    token = await here.poster(await here.announce(clock.now))
    for name in ("worker-1", "clerk-1", "committee-1"):
        answer = await scan(here, token, name=name)
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


# Ranks: 1 + those with more points, before and after.


@pytest.mark.parametrize(
    ("others", "mine", "rank", "places_gained"),
    [
        ((), 0, 1, 0),
        ((15,), 0, 1, 1),
        ((20,), 0, 1, 1),
        ((30,), 0, 2, 0),
        ((30, 15, 15), 0, 2, 2),
        ((20, 20, 20), 0, 1, 3),
        ((50, 20, 15, 5), 0, 2, 3),
        ((5, 5), 5, 1, 0),
        ((30, 20), 15, 1, 2),
    ],
)
async def test_a_check_in_tells_the_rank_and_the_places_gained(
    here: Neighbourhood,
    clock: Clock,
    others: tuple[int, ...],
    mine: int,
    rank: int,
    places_gained: int,
) -> None:
    for number, points in enumerate(others, start=2):
        await here.give(f"resident-{number}", WORTH[points])
    if mine:
        await here.give("resident-1", WORTH[mine])

    answer = await scan(here, await here.poster(await here.announce(clock.now)))

    assert answer.json()["rank"] == {
        "period": "all", "rank": rank, "places_gained": places_gained,
    }  # fmt: skip


async def test_residents_of_another_community_are_nobodys_rivals(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    await elsewhere.give("resident-1", "legal_advice")
    answer = await scan(here, await here.poster(await here.announce(clock.now)))
    assert answer.json()["rank"] == {"period": "all", "rank": 1, "places_gained": 0}
