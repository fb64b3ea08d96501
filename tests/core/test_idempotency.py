"""A write that is asked for twice happens once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.jobs import WorkerContext, clean_up
from app.wiring import Outside
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood


def award(here: Neighbourhood, name: str = "resident-1", **changes: Any) -> dict[str, Any]:
    body = here.posting("award", name, rule_code="mediation", reason="调解邻里纠纷")
    return body | changes


async def proposals(here: Neighbourhood) -> int:
    """Count what waits to be checked."""
    committee = await here.caller("committee-2")
    return len((await committee.get(POSTINGS, state="proposed")).json()["items"])


async def stored_keys(sessionmaker: async_sessionmaker[AsyncSession]) -> int:
    async with sessionmaker() as session:
        return await session.scalar(text("SELECT count(*) FROM idempotency_keys")) or 0


@pytest.fixture
async def committee(here: Neighbourhood) -> Caller:
    return await here.caller("committee-1")


async def test_a_repeat_gets_the_same_bytes_and_says_so(
    here: Neighbourhood, committee: Caller, clock: Clock
) -> None:
    first = await committee.post(POSTINGS, award(here), key="a-key")
    clock.advance(minutes=5)
    repeat = await committee.post(POSTINGS, award(here), key="a-key")

    assert first.status_code == repeat.status_code == 201
    assert repeat.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert repeat.headers["Content-Type"] == first.headers["Content-Type"]
    assert await proposals(here) == 1


async def test_another_key_is_another_posting(here: Neighbourhood, committee: Caller) -> None:
    await committee.post(POSTINGS, award(here), key="key-1")
    await committee.post(POSTINGS, award(here), key="key-2")
    assert await proposals(here) == 2


async def test_the_same_key_with_another_body_is_refused(
    here: Neighbourhood, committee: Caller
) -> None:
    await committee.post(POSTINGS, award(here), key="a-key")
    other = await committee.post(POSTINGS, award(here, reason="别的事情"), key="a-key")
    assert other.status_code == 422
    assert problem_code(other) == "idempotency_key_reused"
    assert await proposals(here) == 1


async def test_the_key_is_asked_for(here: Neighbourhood, committee: Caller) -> None:
    answer = await committee.post(POSTINGS, award(here))
    assert answer.status_code == 422
    assert problem_code(answer) == "idempotency_key_missing"
    assert await proposals(here) == 0


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_1_to_255_characters(
    here: Neighbourhood, committee: Caller, key: str
) -> None:
    answer = await committee.post(POSTINGS, award(here), key=key)
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"
    assert (await committee.post(POSTINGS, award(here), key="k" * 255)).status_code == 201


async def test_a_refusal_stores_nothing_and_the_key_may_try_again(
    here: Neighbourhood,
    committee: Caller,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    body = award(here, rule_code="no_such_rule")
    refused = await committee.post(POSTINGS, body, key="a-key")
    assert problem_code(refused) == "rule_not_found"
    assert await stored_keys(sessionmaker) == 0

    mended = await committee.post(POSTINGS, award(here), key="a-key")
    assert mended.status_code == 201
    assert "Idempotency-Replayed" not in mended.headers
    assert await stored_keys(sessionmaker) == 1


async def test_two_callers_may_use_the_same_key(here: Neighbourhood) -> None:
    path = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"
    vouchers = []
    for name in ("resident-1", "resident-2"):
        await here.give(name, "legal_advice")
        resident = await here.caller(name)
        answer = await resident.post(path, key="the-same-key")
        assert answer.status_code == 201
        vouchers.append(answer.json()["voucher_id"])
    assert len(set(vouchers)) == 2


async def test_one_persons_key_in_another_community_is_another_key(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    for place in (here, elsewhere):
        committee = await place.caller("committee-1")
        answer = await committee.post(POSTINGS, award(place), key="the-same-key")
        assert answer.status_code == 201
        assert "Idempotency-Replayed" not in answer.headers


async def test_the_operation_is_part_of_the_key(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")
    fund = here.created.funds["elder_meals"]
    given = await resident.post(f"/v1/funds/{fund}/donations", {"points": 10}, key="a-key")
    coupon = here.reward_id("coupon_10")
    other = await resident.post(f"/v1/rewards/{coupon}/redeem", key="a-key")
    assert given.status_code == 201
    assert problem_code(other) == "insufficient_points"


async def test_the_thing_is_part_of_the_key(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice", units=1)
    resident = await here.caller("resident-1")
    meal, coupon = here.reward_id("canteen_meal"), here.reward_id("coupon_10")
    await resident.post(f"/v1/rewards/{meal}/redeem", key="a-key")
    other = await resident.post(f"/v1/rewards/{coupon}/redeem", key="a-key")
    assert problem_code(other) == "insufficient_points"


async def test_a_repeat_is_answered_though_it_could_not_be_done_again(
    here: Neighbourhood,
) -> None:
    await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")
    path = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"
    first = await resident.post(path, key="a-key")
    assert problem_code(await resident.post(path, key="another")) == "insufficient_points"
    assert (await resident.post(path, key="a-key")).content == first.content


async def test_a_repeat_by_somebody_signed_out_is_refused(
    here: Neighbourhood, committee: Caller
) -> None:
    await committee.post(POSTINGS, award(here), key="a-key")
    await committee.post("/v1/auth/sign-out")
    repeat = await committee.post(POSTINGS, award(here), key="a-key")
    assert repeat.status_code == 401


async def test_a_repeat_in_an_envelope_is_wrapped_as_well(
    here: Neighbourhood, committee: Caller
) -> None:
    first = await committee.post(POSTINGS, award(here), key="a-key")
    headers = committee.headers("a-key") | {"X-Envelope": "1"}
    # The same bytes as the first request sent, since a body is compared as sent.
    body: httpx.Request = first.request
    repeat = await here.http.post(POSTINGS, content=body.content, headers=headers | JSON)
    assert repeat.json()["data"] == first.json()
    assert repeat.headers["Idempotency-Replayed"] == "true"


JSON = {"Content-Type": "application/json"}


async def test_an_answer_is_kept_for_48_hours(
    here: Neighbourhood,
    committee: Caller,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    outside: Outside,
) -> None:
    await committee.post(POSTINGS, award(here), key="a-key")
    context = WorkerContext(sessionmaker, clock, outside)

    clock.advance(hours=48)
    await clean_up(context)
    assert await stored_keys(sessionmaker) == 1

    clock.now += timedelta(seconds=1)
    await clean_up(context)
    assert await stored_keys(sessionmaker) == 0
