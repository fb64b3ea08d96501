"""Accounts closed while their owners still do things, by two workers at once."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.privacy import jobs
from tests.conftest import MakeRace
from tests.support.books import assert_books_balance
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.shopping import make_reward

Sessions = async_sessionmaker[AsyncSession]
PEOPLE = 6


async def test_closing_beside_redeeming_leaves_the_books_right_and_the_wallets_empty(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(PEOPLE)
    names = [f"resident-{number}" for number in range(1, PEOPLE + 1)]
    for name in names:
        for _ in range(8):
            await here.give(name, "volunteer_hour")
        await (await here.caller(name)).post("/v1/me/closure")
    async with race_sessionmaker.begin() as session:
        reward_id = await make_reward(session, here, now=clock())
    clock.advance(days=7)
    here.callers.clear()
    callers = [await here.caller(name) for name in names]

    async def redeem_while_it_lasts(caller: Caller) -> int:
        while True:
            answer = await caller.post_once(f"/v1/rewards/{reward_id}/redeem")
            if answer.status_code != 201:
                return answer.status_code

    async def close() -> int:
        return await jobs.close_accounts(race_sessionmaker, now=clock())

    redeeming = asyncio.gather(*(redeem_while_it_lasts(caller) for caller in callers))
    closed = sum(await asyncio.gather(close(), close()))

    # Signed out by now, or with nothing left to redeem.
    assert set(await redeeming) <= {401, 403, 409}
    assert closed + await close() == PEOPLE
    async with race_sessionmaker() as session:
        await assert_books_balance(session, here.community_id)
        left = await session.scalar(text("SELECT sum(posted + held) FROM balances"))
        issued = await session.scalar(text("SELECT count(*) FROM vouchers WHERE state = 'issued'"))
        states = await session.scalars(text("SELECT DISTINCT state FROM residents"))
        assert (left, issued, list(states)) == (0, 0, ["left"])


async def test_asked_for_many_times_at_once_it_is_one_closure_and_one_message(
    race: MakeRace,
) -> None:
    here = await race(1)
    me = await here.caller("resident-1")
    answers = await asyncio.gather(*(me.post("/v1/me/closure") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["closure_id"] for answer in answers}) == 1
    assert len((await me.get("/v1/me/messages")).json()["items"]) == 1


async def test_many_wishes_at_once_make_one_copy(
    race: MakeRace, race_sessionmaker: Sessions
) -> None:
    here = await race(1)
    me = await here.caller("resident-1")
    answers = await asyncio.gather(*(me.post("/v1/me/data-exports") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {201, 409, 429}
    assert [answer.status_code for answer in answers].count(201) == 1
    async with race_sessionmaker() as session:
        assert await session.scalar(text("SELECT count(*) FROM data_exports")) == 1
