"""The committee posts by hand: awards and deductions, and what it may not do."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.models import RoleGrant
from app.core.ids import new_id
from tests.support.book_rows import count, figures, list_lots, set_floor
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, redeem

BOTH = ("awards", "deductions")
RULE = {"awards": "mediation", "deductions": "sorted_wrongly"}


def posting(here: Neighbourhood, way: str, **changes: Any) -> dict[str, Any]:
    body = {
        "resident_id": here.resident_id("resident-1"),
        "rule_code": RULE[way],
        "reason": "街坊反映",
    }
    return body | changes


async def post(
    here: Neighbourhood, way: str, *, key: str | None = None, **changes: Any
) -> httpx.Response:
    committee = await here.caller("committee-1")
    body = posting(here, way, **changes)
    return await committee.post(f"/v1/staff/{way}", body, key=key or fresh_key())


async def place_of(here: Neighbourhood, name: str) -> tuple[int, int]:
    """Return points and rank of all time."""
    resident = await here.caller(name)
    place = (await resident.get("/v1/me/rank", period="all")).json()
    return place["points"], place["rank"]


async def test_an_award_tells_what_was_asked_and_what_was_given(here: Neighbourhood) -> None:
    answer = await post(here, "awards")
    assert answer.status_code == 201
    assert answer.json() | {"contribution_id": ""} == {
        "contribution_id": "",
        "resident_id": here.resident_id("resident-1"),
        "state": "awarded",
        "asked_points": 20,
        "granted_points": 20,
        "rule_code": "mediation",
        "reason": "街坊反映",
        "acted_at": "2026-11-18T07:00:00Z",
    }


async def test_an_award_past_a_cap_is_posted_as_capped(here: Neighbourhood) -> None:
    hours: dict[str, Any] = {"rule_code": "volunteer_hour", "units": 6}
    answers = [(await post(here, "awards", **hours)).json() for _ in range(3)]
    assert [row["granted_points"] for row in answers] == [60, 20, 0]
    assert [row["asked_points"] for row in answers] == [60, 60, 60]
    assert [row["state"] for row in answers] == ["awarded", "awarded", "capped"]


async def test_a_deduction_takes_points_and_place_on_the_board(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    await here.give("resident-1", "mediation")
    await here.give("resident-2", "story_evening")

    answer = await post(here, "deductions", units=2)

    assert answer.status_code == 201
    told = answer.json()
    assert (told["state"], told["asked_points"], told["granted_points"]) == ("deducted", -10, -10)
    assert await place_of(here, "resident-1") == (10, 2)
    assert await place_of(here, "resident-2") == (15, 1)
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_spending_takes_no_place_on_the_board(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-2", "mediation")

    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await consume(here, voucher["typed_code"])

    assert await place_of(here, "resident-1") == (50, 1)
    balance = await (await here.caller("resident-1")).get("/v1/me/balance")
    assert balance.json()["posted_points"] == 0


async def test_what_a_wallet_cannot_give_is_recorded_and_not_taken(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    await here.give("resident-1", "survey")

    answers = [(await post(here, "deductions", units=4)).json() for _ in range(2)]

    assert [(row["asked_points"], row["granted_points"]) for row in answers] == [
        (-20, -5),
        (-20, 0),
    ]
    assert await place_of(here, "resident-1") == (0, 1)
    statement = "SELECT breakdown FROM contributions WHERE contribution_id = :id"
    async with sessionmaker() as session:
        told = [
            await session.scalar(text(statement), {"id": int(row["contribution_id"])})
            for row in answers
        ]
        assert [row["not_taken_points"] for row in told] == [15, 20]
        assert {row["total_points"] for row in told} == {-20}
        assert await count(session, "transfers", kind="deduction") == 1
        await assert_books_balance(session, here.community_id)


async def test_a_deduction_goes_into_debt_down_to_the_floor_and_the_next_award_repays(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    async with sessionmaker.begin() as session:
        await set_floor(session, here.community_id, resident_id, -12)
    await here.give("resident-1", "survey")

    taken = [(await post(here, "deductions", units=2)).json()["granted_points"] for _ in range(3)]
    resident = await here.caller("resident-1")
    in_debt = (await resident.get("/v1/me/balance")).json()
    await here.give("resident-1", "story_evening")

    assert taken == [-10, -7, 0]
    assert in_debt == {
        "posted_points": -12, "held_points": 0, "available_points": 0, "debt_points": 12,
    }  # fmt: skip
    async with sessionmaker() as session:
        assert await figures(session, here.community_id, resident_id) == {
            "posted": 3, "lots_total": 3, "debt": 0, "held": 0,
        }  # fmt: skip
        lots = await list_lots(session, here.community_id, resident_id)
        assert list(lots.values()) == [(0, 0), (3, 0)]
        await assert_books_balance(session, here.community_id)


async def test_a_deduction_for_last_month_lowers_last_months_board(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    await here.give("resident-1", "mediation")
    in_october = (clock.now - timedelta(days=20)).isoformat()

    assert (await post(here, "deductions", acted_at=in_october)).status_code == 201

    resident = await here.caller("resident-1")
    points = [
        (await resident.get("/v1/me/rank", period=period)).json()["points"]
        for period in ("week", "month", "all")
    ]
    assert points == [20, 20, 15]
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


@pytest.mark.parametrize("way", BOTH)
async def test_nobody_posts_for_themselves(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    way: str,
) -> None:
    async with sessionmaker.begin() as session:
        person_id = await session.scalar(
            text("SELECT person_id FROM residents WHERE resident_id = :id"),
            {"id": int(here.resident_id("resident-1"))},
        )
        session.add(
            RoleGrant(
                community_id=here.community_id, role_grant_id=new_id(clock.now),
                person_id=person_id, role="committee", grid_id=None, shop_id=None,
                sealed_name=None, granted_at=clock.now,
            )
        )  # fmt: skip
    caller = await here.caller("resident-1")

    own = await caller.post_once(f"/v1/staff/{way}", posting(here, way))
    others = posting(here, way, resident_id=here.resident_id("resident-2"))

    assert (own.status_code, problem_code(own)) == (403, "own_posting")
    assert (await caller.post_once(f"/v1/staff/{way}", others)).status_code == 201


@pytest.mark.parametrize("way", BOTH)
async def test_only_residents_of_this_community_are_posted_for(
    here: Neighbourhood, elsewhere: Neighbourhood, way: str
) -> None:
    strangers = (elsewhere.resident_id("resident-1"), here.shop_id("canteen"), "1", "3", "99")
    for stranger in strangers:
        answer = await post(here, way, resident_id=stranger)
        assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")


@pytest.mark.parametrize("way", BOTH)
async def test_an_act_in_the_future_is_refused(here: Neighbourhood, clock: Clock, way: str) -> None:
    future = (clock.now + timedelta(microseconds=1)).isoformat()
    answer = await post(here, way, acted_at=future)
    assert (answer.status_code, problem_code(answer)) == (422, "act_in_the_future")
    assert (await post(here, way, acted_at=clock.now.isoformat())).status_code == 201


@pytest.mark.parametrize("way", BOTH)
async def test_a_rule_of_the_other_direction_is_refused(here: Neighbourhood, way: str) -> None:
    other = RULE["deductions" if way == "awards" else "awards"]
    answer = await post(here, way, rule_code=other)
    assert (answer.status_code, problem_code(answer)) == (422, "rule_of_other_direction")


@pytest.mark.parametrize("way", BOTH)
async def test_a_rule_that_is_not_in_force_is_refused(
    here: Neighbourhood, clock: Clock, way: str
) -> None:
    before = (clock.now - timedelta(days=31)).isoformat()
    for changes in ({"rule_code": "no_such_rule"}, {"acted_at": before}):
        answer = await post(here, way, **changes)
        assert (answer.status_code, problem_code(answer)) == (404, "rule_not_found")


@pytest.mark.parametrize(("way", "most"), [("awards", 1), ("deductions", 4)])
async def test_more_units_than_the_rule_allows_are_refused(
    here: Neighbourhood, way: str, most: int
) -> None:
    answer = await post(here, way, units=most + 1)
    assert (answer.status_code, problem_code(answer)) == (422, "too_many_units")
    assert answer.json()["max_units"] == most
    assert (await post(here, way, units=most)).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 0},
        {"units": 1001},
        {"units": "many"},
        {"reason": "短"},
        {"reason": "长" * 201},
        {"reason": None},
        {"resident_id": "resident-1"},
        {"rule_code": "Mediation"},
        {"acted_at": "2026-11-18T07:00:00"},
        {"acted_at": "0001-01-01T00:00:00+14:00"},
        {"points": 1000},
    ],
    ids=str,
)
async def test_a_malformed_posting_is_refused(here: Neighbourhood, changes: dict[str, Any]) -> None:
    answer = await post(here, "awards", **changes)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize("way", BOTH)
@pytest.mark.parametrize("name", ["resident-2", "worker-1", "clerk-1"])
async def test_only_the_committee_posts(here: Neighbourhood, way: str, name: str) -> None:
    caller = await here.caller(name)
    answer = await caller.post_once(f"/v1/staff/{way}", posting(here, way))
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


@pytest.mark.parametrize("way", BOTH)
async def test_a_posting_repeated_with_its_key_is_posted_once(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], way: str
) -> None:
    await here.give("resident-1", "mediation")
    key = fresh_key()

    first = await post(here, way, key=key)
    again = await post(here, way, key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    async with sessionmaker() as session:
        assert await count(session, "contributions", community_id=here.community_id) == 2


async def test_a_key_used_for_another_body_is_refused(here: Neighbourhood) -> None:
    key = fresh_key()
    await post(here, "awards", key=key)
    answer = await post(here, "awards", key=key, reason="另一件事")
    assert (answer.status_code, problem_code(answer)) == (422, "idempotency_key_reused")


async def test_a_posting_without_a_key_is_refused(here: Neighbourhood) -> None:
    committee = await here.caller("committee-1")
    answer = await committee.post("/v1/staff/awards", posting(here, "awards"))
    assert (answer.status_code, problem_code(answer)) == (422, "idempotency_key_missing")


async def test_a_key_of_a_refused_posting_can_be_used_again(here: Neighbourhood) -> None:
    key = fresh_key()
    refused = await post(here, "awards", key=key, units=9)
    corrected = await post(here, "awards", key=key)
    assert (refused.status_code, corrected.status_code) == (422, 201)


async def test_the_same_key_for_an_award_and_a_deduction_posts_both(here: Neighbourhood) -> None:
    key = fresh_key()
    assert (await post(here, "awards", key=key)).json()["granted_points"] == 20
    assert (await post(here, "deductions", key=key)).json()["granted_points"] == -5
