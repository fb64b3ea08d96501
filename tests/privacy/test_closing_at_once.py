"""Accounts closed while their owners still do things, by two workers at once."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.residents.service import put_phone
from app.core.access import Actor
from app.core.personal import Vault
from app.identity.consents.service import withdraw_consent
from app.privacy import jobs
from app.privacy.closing.forgetting import on_consent_withdrawn
from tests.conftest import MakeRace
from tests.support.books import assert_books_balance
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.photos import send_photo
from tests.support.shopping import make_reward

Sessions = async_sessionmaker[AsyncSession]
PEOPLE = 6
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def somebody_waits(sessionmaker: Sessions) -> None:
    """Return as soon as some transaction waits for another."""
    async with asyncio.timeout(10), sessionmaker() as watching:
        while await watching.scalar(text(WAITING)) == 0:
            await watching.rollback()


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


@pytest.mark.usefixtures("keeper")
async def test_closing_does_not_hold_up_a_worker_who_gives_points_for_a_case(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(1)
    me = await consent(here, "resident-1")
    body = {
        "category_code": "street_lamp",
        "description": "楼道灯不亮，晚上看不清台阶",
        "address": "东门",
        "building_id": str(here.places.buildings[0]),
        "position": {"latitude": 31.23, "longitude": 121.47, "coordinate_system": "wgs84"},
        "photo_ids": [await send_photo(me)],
    }
    filed = await me.post_once("/v1/cases", body)
    assert filed.status_code == 201, filed.text
    await me.post("/v1/me/closure")
    clock.advance(days=7)
    async with race_sessionmaker.begin() as worker:
        # What a worker's action locks, in its order.
        await worker.execute(text("SELECT 1 FROM cases FOR UPDATE"))
        closing = asyncio.create_task(jobs.close_accounts(race_sessionmaker, now=clock()))
        await somebody_waits(race_sessionmaker)
        wallet = "SELECT 1 FROM balances WHERE account_id = :number FOR UPDATE NOWAIT"
        await worker.execute(text(wallet), {"number": int(here.resident_id("resident-1"))})
    assert await closing == 1


async def test_a_phone_given_while_its_consent_is_withdrawn_is_not_kept(
    race: MakeRace, race_sessionmaker: Sessions, vault: Vault, clock: Clock
) -> None:
    here = await race(1)
    await consent(here, "resident-1", "service", "phone")
    async with race_sessionmaker() as session:
        person_id = await session.scalar(text("SELECT person_id FROM residents"))
    actor = Actor(
        person_id=person_id or 0, session_id=0, community_id=here.community_id,
        resident_id=int(here.resident_id("resident-1")), grants=(),
    )  # fmt: skip

    async def withdraw() -> None:
        async def delete(*of: object) -> None:
            await on_consent_withdrawn(giving_up, *of[1:], vault=vault, now=clock())  # type: ignore[arg-type]

        async with race_sessionmaker.begin() as giving_up:
            await withdraw_consent(
                giving_up, here.community_id, actor.person_id, "phone",
                delete_data=delete, now=clock(),
            )  # fmt: skip

    async with race_sessionmaker.begin() as giving:
        await put_phone(giving, actor, "+8613912345678", vault=vault)
        withdrawing = asyncio.create_task(withdraw())
        await somebody_waits(race_sessionmaker)
    await withdrawing
    async with race_sessionmaker() as session:
        assert await session.scalar(text("SELECT sealed_phone FROM residents")) is None
        tokens = "SELECT count(*) FROM resident_tokens"
        assert await session.scalar(text(tokens)) == len("王小四")
