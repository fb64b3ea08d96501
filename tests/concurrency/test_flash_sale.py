"""A flash sale through two processes: many more ask than there are pieces."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.main import create_app
from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import award_batch, balance_of, let_in, tally, together
from tests.conftest import MakeRace
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import Neighbourhood

RESIDENTS = 500
ATTEMPTS = 10
PIECES = 100
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def other_process(
    settings: Settings, race_sessionmaker: Sessions, clock: Clock
) -> AsyncIterator[httpx.AsyncClient]:
    """Another application on the same database, with lanes and memories of its own."""
    app = create_app(settings)
    app.state.sessionmaker = race_sessionmaker
    app.state.clock = clock
    async with race_sessionmaker() as session:
        await app.state.keys.load(session, now=clock.now)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


async def put_on_sale(sessionmaker: Sessions, here: Neighbourhood, pieces: int | None) -> str:
    """Offer coupons, one each; return where they are redeemed. None is no end of them."""
    statement = """
        UPDATE rewards SET stock_left = :pieces, per_resident_limit = 1, price_points = 10
        WHERE community_id = :community AND code = 'coupon_10'
    """
    async with sessionmaker.begin() as session:
        await session.execute(text(statement), {"pieces": pieces, "community": here.community_id})
    return f"/v1/rewards/{here.reward_id('coupon_10')}/redeem"


def names_in(here: Neighbourhood) -> list[str]:
    return [name.removeprefix(here.prefix) for name in here.residents]


async def rich_crowd(
    here: Neighbourhood,
    app: FastAPI,
    sessionmaker: Sessions,
    clock: Clock,
    other_process: httpx.AsyncClient,
) -> list[Caller]:
    """Return the residents signed in and with points, every other one at the other process."""
    await award_batch(sessionmaker, here, "mediation", names_in(here), now=clock.now)
    callers = await let_in(app, sessionmaker, here, now=clock.now)
    return [
        caller if number % 2 else Caller(other_process, caller.tokens)
        for number, caller in enumerate(callers)
    ]


async def stock_of(caller: Caller, path: str) -> int:
    left: int = (await caller.get(path.removesuffix("/redeem"))).json()["stock_left"]
    return left


async def test_a_hundred_pieces_among_five_thousand_attempts(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    other_process: httpx.AsyncClient,
    audit: Audit,
) -> None:
    here = await race(RESIDENTS)
    coupon = await put_on_sale(race_sessionmaker, here, PIECES)
    residents = await rich_crowd(here, app_of_session, race_sessionmaker, clock, other_process)

    async def insist(resident: Caller) -> list[httpx.Response]:
        return [await resident.post_once(coupon) for _ in range(ATTEMPTS)]

    answers = [answer for each in await together(map(insist, residents)) for answer in each]

    told = tally(answers)
    assert told.keys() <= {"201", "out_of_stock", "limit_reached"}
    assert (told["201"], len(answers)) == (PIECES, RESIDENTS * ATTEMPTS)
    vouchers = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({voucher["voucher_id"] for voucher in vouchers}) == PIECES
    assert await stock_of(residents[0], coupon) == 0
    async with race_sessionmaker() as session:
        held = Counter(await session.scalars(text("SELECT held FROM balances")))
        keys = await session.scalar(text("SELECT count(*) FROM idempotency_keys"))
    assert held == {10: PIECES, 0: held.total() - PIECES}
    assert keys == PIECES
    await audit(here)


async def test_giving_back_while_others_redeem_loses_no_piece(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    other_process: httpx.AsyncClient,
    audit: Audit,
) -> None:
    here = await race(40)
    coupon = await put_on_sale(race_sessionmaker, here, 10)
    residents = await rich_crowd(here, app_of_session, race_sessionmaker, clock, other_process)

    async def change_ones_mind(resident: Caller) -> bool:
        """Redeem and give back, five times; keep what is had at last."""
        for _ in range(5):
            had = await resident.post_once(coupon)
            assert had.status_code in (201, 409), had.text
            if had.status_code == 201:
                voucher = had.json()["voucher_id"]
                back = await resident.post_once(f"/v1/me/vouchers/{voucher}/cancel")
                assert back.status_code == 200, back.text
        return (await resident.post_once(coupon)).status_code == 201

    kept = sum(await together(map(change_ones_mind, residents)))

    assert kept + await stock_of(residents[0], coupon) == 10
    await audit(here)


async def test_twins_in_two_processes_issue_one_voucher(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    other_process: httpx.AsyncClient,
    audit: Audit,
) -> None:
    here = await race(10)
    coupon = await put_on_sale(race_sessionmaker, here, 10)
    await award_batch(race_sessionmaker, here, "mediation", names_in(here), now=clock.now)
    residents = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)

    for resident in residents:
        twin = Caller(other_process, resident.tokens)
        answers = await together(one.post(coupon, key="a-key") for one in (resident, twin))

        assert tally(answers) == {"201": 2}
        assert answers[0].content == answers[1].content
        assert sum("idempotency-replayed" in answer.headers for answer in answers) == 1

    assert await stock_of(residents[0], coupon) == 0
    await audit(here)


async def test_a_limit_holds_in_two_processes_where_there_is_no_end_to_the_stock(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    other_process: httpx.AsyncClient,
    audit: Audit,
) -> None:
    here = await race(20)
    coupon = await put_on_sale(race_sessionmaker, here, None)
    await award_batch(race_sessionmaker, here, "mediation", names_in(here), now=clock.now)
    residents = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)

    for resident in residents:
        elsewhere = Caller(other_process, resident.tokens)
        answers = await together(one.post_once(coupon) for one in (resident, elsewhere))
        assert tally(answers) == {"201": 1, "limit_reached": 1}

    await audit(here)


async def test_a_key_for_two_bodies_at_once_is_good_for_the_first(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(1)
    coupon = await put_on_sale(race_sessionmaker, here, 10)
    await award_batch(race_sessionmaker, here, "mediation", ["resident-1"], now=clock.now)
    (resident,) = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)

    answers = await together(
        resident.post(coupon, {"number": number % 2}, key="a-key") for number in range(6)
    )

    assert tally(answers) == {"201": 3, "idempotency_key_reused": 3}
    assert (await balance_of(resident))["held_points"] == 10
    await audit(here)


async def test_whom_something_else_keeps_busy_does_not_keep_the_others_waiting(
    race: MakeRace,
    app_of_session: FastAPI,
    migrated: DatabaseServer,
    race_sessionmaker: Sessions,
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(20)
    coupon = await put_on_sale(race_sessionmaker, here, 20)
    await award_batch(race_sessionmaker, here, "mediation", names_in(here), now=clock.now)
    residents = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)
    impatient = make_engine(migrated.url(RACES), pool_size=4, lock_timeout="100ms")
    lock = "SELECT FROM balances WHERE account_id = :account_id FOR UPDATE"
    async with race_sessionmaker() as elsewhere:
        busy = {"account_id": int(here.resident_id("resident-7"))}
        await elsewhere.execute(text(lock), busy)
        app_of_session.state.sessionmaker = make_sessionmaker(impatient)

        answers = await together(resident.post_once(coupon) for resident in residents)

        assert tally(answers) == {"201": 19, "request_in_flight": 1}
        await elsewhere.rollback()
    assert tally([await residents[6].post_once(coupon)]) == {"201": 1}
    await impatient.dispose()
    await audit(here)


async def test_a_wrong_balance_spoils_nobody_elses_redemption(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
) -> None:
    here = await race(20)
    coupon = await put_on_sale(race_sessionmaker, here, 20)
    names = [f"resident-{number}" for number in range(1, 20)]
    await award_batch(race_sessionmaker, here, "mediation", names, now=clock.now)
    residents = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)
    promise = "UPDATE balances SET posted = 50, lots_total = 50 WHERE account_id = :account_id"
    async with race_sessionmaker.begin() as session:
        nobody = {"account_id": int(here.resident_id("resident-20"))}
        await session.execute(text(promise), nobody)

    answers = await together(resident.post_once(coupon) for resident in residents)

    assert tally(answers) == {"201": 19, "server_fault": 1}
    assert await stock_of(residents[0], coupon) == 1


async def test_a_caller_who_hangs_up_leaves_a_whole_voucher_or_none(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Sessions,
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(10)
    coupon = await put_on_sale(race_sessionmaker, here, 10)
    await award_batch(race_sessionmaker, here, "mediation", names_in(here), now=clock.now)
    residents = await let_in(app_of_session, race_sessionmaker, here, now=clock.now)
    calls = [asyncio.create_task(resident.post_once(coupon)) for resident in residents]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for call in calls:
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call

    again = await together(resident.post_once(coupon) for resident in residents)

    assert tally(again).keys() <= {"201", "limit_reached", "out_of_stock"}
    assert await stock_of(residents[0], coupon) == 0
    await audit(here)
