"""Many callers at once, and what they were told."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.service import Outcome
from app.core.ids import new_id
from app.identity.models import LoginSession
from app.identity.service import SessionIssuer
from tests.support.awards import award, get_terms, make_item
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Result = TypeVar("Result")
_PERSONS = """
    SELECT person_id FROM residents WHERE community_id = :community_id ORDER BY resident_id
"""
AT_ONCE_FROM_ONE_ADDRESS = 50


async def together(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """Let all of them begin before any is awaited."""
    return list(await asyncio.gather(*calls))


def tally(answers: Iterable[httpx.Response]) -> dict[str, int]:
    """Count answers by status or, where they are refusals, by the problem's code."""
    return Counter(
        str(answer.status_code) if answer.is_success else problem_code(answer) for answer in answers
    )


async def sign_in_crowd(here: Neighbourhood, clock: Clock, size: int) -> list[Caller]:
    """Sign in the first residents, no faster than one address may."""
    callers: list[Caller] = []
    for start in range(1, size + 1, AT_ONCE_FROM_ONE_ADDRESS):
        clock.advance(seconds=AT_ONCE_FROM_ONE_ADDRESS)
        numbers = range(start, min(start + AT_ONCE_FROM_ONE_ADDRESS, size + 1))
        callers += await together(here.caller(f"resident-{number}") for number in numbers)
    return callers


async def let_in(
    app: FastAPI,
    sessionmaker: async_sessionmaker[AsyncSession],
    here: Neighbourhood,
    *,
    now: datetime,
) -> list[Caller]:
    """Open a session for every resident at once, which no address could ask for."""
    where = {"community_id": here.community_id}
    async with sessionmaker.begin() as session:
        persons = await session.scalars(text(_PERSONS), where)
        logins = [
            LoginSession(
                session_id=new_id(now), person_id=person_id, community_id=here.community_id,
                created_at=now, revoked_at=None,
            )
            for person_id in persons
        ]  # fmt: skip
        session.add_all(logins)
    issuer: SessionIssuer = app.state.issuer
    return [Caller(here.http, {"access_token": issuer.access_token(one, now)}) for one in logins]


async def give_all(here: Neighbourhood, size: int, rule_code: str, *, units: int = 1) -> None:
    """Let the committee award the first residents."""
    for name in ("committee-1", "committee-2"):
        await here.caller(name)
    numbers = range(1, size + 1)
    await together(here.give(f"resident-{number}", rule_code, units=units) for number in numbers)


async def award_batch(
    sessionmaker: async_sessionmaker[AsyncSession],
    here: Neighbourhood,
    rule_code: str,
    names: Sequence[str],
    *,
    now: datetime,
) -> list[Outcome]:
    """Award one act to each name, all in one batch; a name may come several times."""
    async with sessionmaker.begin() as session:
        terms = await get_terms(session, here, rule_code, at=now)
        items = [make_item(terms, int(here.resident_id(name)), now=now) for name in names]
        return await award(session, here, items, now=now)


async def balance_of(caller: Caller) -> dict[str, int]:
    """Return a resident's balance, as they see it."""
    answer = await caller.get("/v1/me/balance")
    assert answer.status_code == 200, answer.text
    balance: dict[str, int] = answer.json()
    return balance
