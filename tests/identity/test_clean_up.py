"""The nightly clean-up takes what nobody can use any more, and nothing else."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.jobs import WorkerContext, clean_up
from app.wiring import Outside
from tests.support.caller import Caller, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def count(sessionmaker: async_sessionmaker[AsyncSession], table: str) -> int:
    async with sessionmaker() as session:
        return await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608


async def test_lapsed_tokens_go_and_living_sessions_stay(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    outside: Outside,
) -> None:
    await sign_in(here.http, "resident-1")
    clock.advance(days=29)
    living = await sign_in(here.http, "resident-2")
    clock.advance(days=1, seconds=1)

    await clean_up(WorkerContext(sessionmaker, clock, outside))

    assert await count(sessionmaker, "refresh_tokens") == 1
    body = {"refresh_token": living.tokens["refresh_token"]}
    answer = await here.http.post("/v1/auth/refresh", json=body)
    assert (await Caller(here.http, answer.json()).get("/v1/me")).status_code == 200


async def test_a_limit_is_forgotten_once_it_limits_nobody(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    outside: Outside,
) -> None:
    for _ in range(10):
        await sign_in(here.http, "resident-1")
    clock.advance(minutes=14, seconds=59)
    await clean_up(WorkerContext(sessionmaker, clock, outside))
    assert await count(sessionmaker, "rate_limits") == 1
    clock.advance(seconds=2)
    await clean_up(WorkerContext(sessionmaker, clock, outside))
    assert await count(sessionmaker, "rate_limits") == 0
