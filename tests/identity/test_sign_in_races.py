"""What happens at the same moment, on a database that commits."""

import asyncio

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.identity.service import Proof, find_person
from tests.conftest import MakeRace
from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def persons(sessionmaker: async_sessionmaker[AsyncSession]) -> int:
    async with sessionmaker() as session:
        return await session.scalar(text("SELECT count(*) FROM persons")) or 0


async def test_fifty_first_sign_ins_at_once_make_one_person(
    race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async def sign_in_for_the_first_time() -> int:
        async with race_sessionmaker.begin() as session:
            return await find_person(session, Proof("local", "", "newcomer"), now=clock.now)

    found = await asyncio.gather(*(sign_in_for_the_first_time() for _ in range(50)))

    assert len(set(found)) == 1
    assert await persons(race_sessionmaker) == 1


async def test_first_sign_ins_in_two_apps_at_once_make_one_person(
    race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    async def sign_in_to(app_id: str) -> int:
        proof = Proof("wechat", app_id, f"openid-{app_id}", "unionid")
        async with race_sessionmaker.begin() as session:
            return await find_person(session, proof, now=clock.now)

    found = await asyncio.gather(*(sign_in_to(f"wx{number}") for number in range(20)))

    assert len(set(found)) == 1
    assert await persons(race_sessionmaker) == 1


async def test_ten_first_sign_ins_at_once_open_ten_sessions_of_one_person(
    race_http: httpx.AsyncClient, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    callers = await asyncio.gather(*(sign_in(race_http, "newcomer") for _ in range(10)))
    assert await persons(race_sessionmaker) == 1
    ended = await callers[0].post("/v1/auth/sign-out-everywhere")
    assert ended.json() == {"ended_sessions": 10}


async def test_a_refresh_token_used_again_too_late_ends_its_session(
    race: MakeRace, clock: Clock
) -> None:
    here = await race(1)
    thief = await here.caller("resident-1")
    fresh = await refresh(here.http, thief.tokens["refresh_token"])
    resident = Caller(here.http, fresh.json())
    other_device = await sign_in(here.http, "resident-1")
    clock.advance(seconds=31)

    stolen = await refresh(here.http, thief.tokens["refresh_token"])

    assert stolen.status_code == 401
    assert problem_code(stolen) == "refresh_token_reused"
    assert problem_code(await resident.get("/v1/me")) == "token_invalid"
    stale = await refresh(here.http, resident.tokens["refresh_token"])
    assert problem_code(stale) == "refresh_token_invalid"
    assert (await other_device.get("/v1/me")).status_code == 200


async def test_a_repeat_after_the_successor_was_used_ends_the_session_though_in_time(
    race: MakeRace,
) -> None:
    here = await race(1)
    first = await here.caller("resident-1")
    second = (await refresh(here.http, first.tokens["refresh_token"])).json()
    third = (await refresh(here.http, second["refresh_token"])).json()

    repeat = await refresh(here.http, first.tokens["refresh_token"])

    assert problem_code(repeat) == "refresh_token_reused"
    assert (await Caller(here.http, third).get("/v1/me")).status_code == 401


async def test_one_refresh_token_sent_twenty_times_at_once_has_one_successor(
    race: MakeRace,
) -> None:
    here = await race(1)
    resident = await here.caller("resident-1")
    token = resident.tokens["refresh_token"]

    answers = await asyncio.gather(*(refresh(here.http, token) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_crowd_of_used_tokens_is_refused_without_waiting_for_connections(
    race: MakeRace, clock: Clock
) -> None:
    here = await race(1)
    resident = await here.caller("resident-1")
    token = resident.tokens["refresh_token"]
    await refresh(here.http, token)
    clock.advance(seconds=31)

    async with asyncio.timeout(4):
        answers = await asyncio.gather(*(refresh(here.http, token) for _ in range(30)))

    assert {answer.status_code for answer in answers} == {401}
    codes = sorted(problem_code(answer) for answer in answers)
    assert codes[0] == "refresh_token_invalid"
    assert codes[-1] == "refresh_token_reused"
