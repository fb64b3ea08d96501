"""How often one may try to sign in; attempts count though a test's database forgets them."""

import asyncio
from datetime import timedelta

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.rate_limits import Limit, TooManyAttempts
from tests.support.caller import problem_code
from tests.support.clock import Clock

ACCOUNT_BURST = 10
ADDRESS_BURST = 60


async def sign_in_as(http: httpx.AsyncClient, ticket: str) -> httpx.Response:
    return await http.post(
        "/v1/auth/local", json={"ticket": ticket}, headers={"Accept-Language": "en"}
    )


async def test_an_account_is_limited_to_ten_tries_then_one_in_ninety_seconds(
    http: httpx.AsyncClient, clock: Clock
) -> None:
    tries = [await sign_in_as(http, "anna") for _ in range(ACCOUNT_BURST)]
    assert {answer.status_code for answer in tries} == {200}

    refused = await sign_in_as(http, "anna")
    assert refused.status_code == 429
    assert problem_code(refused) == "too_many_attempts"
    assert refused.headers["Retry-After"] == "90"
    assert refused.json()["detail"] == "Try again in 90 seconds."

    clock.advance(seconds=89)
    assert (await sign_in_as(http, "anna")).status_code == 429
    clock.advance(seconds=1)
    assert (await sign_in_as(http, "anna")).status_code == 200
    assert (await sign_in_as(http, "anna")).status_code == 429


async def test_the_limit_of_one_account_is_its_own(http: httpx.AsyncClient) -> None:
    for _ in range(ACCOUNT_BURST + 1):
        last = await sign_in_as(http, "anna")
    assert last.status_code == 429
    assert (await sign_in_as(http, "boris")).status_code == 200


async def test_an_address_is_limited_to_sixty_tries_then_one_a_second(
    http: httpx.AsyncClient, app: FastAPI, clock: Clock
) -> None:
    for number in range(ADDRESS_BURST):
        body = {"refresh_token": f"guess-{number}"}
        assert (await http.post("/v1/auth/refresh", json=body)).status_code == 401

    refused = await sign_in_as(http, "anna")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"

    other_address = httpx.ASGITransport(app=app, client=("203.0.113.7", 5000))
    async with httpx.AsyncClient(transport=other_address, base_url="http://test") as elsewhere:
        assert (await sign_in_as(elsewhere, "anna")).status_code == 200

    clock.advance(seconds=1)
    assert (await sign_in_as(http, "anna")).status_code == 200


async def test_an_address_cannot_be_made_up_in_a_header(http: httpx.AsyncClient) -> None:
    for number in range(ADDRESS_BURST + 1):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        body = {"refresh_token": "guess"}
        last = await http.post("/v1/auth/refresh", json=body, headers=headers)
    assert last.status_code == 429


async def test_a_limit_is_exact_when_fifty_ask_at_once(
    race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    limit = Limit("race", burst=7, interval=timedelta(seconds=10))
    takes = [limit.take(race_sessionmaker, "anna", now=clock.now) for _ in range(50)]
    outcomes = await asyncio.gather(*takes, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if outcome is not None]
    assert len(refusals) == 50 - 7
    assert all(isinstance(refusal, TooManyAttempts) for refusal in refusals)
