"""Vouchers past their date give their points back, once, however many there are."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.ledger.holds import queries as holds_queries
from app.rewards import service
from app.rewards.jobs import expire_vouchers
from app.rewards.models import Voucher
from app.rewards.typed_codes import new_typed_code
from tests.support.awards import NEVER, give_lots
from tests.support.book_rows import count, figures, list_lots
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, make_reward, prepare, redeem, withdraw

Sessions = async_sessionmaker[AsyncSession]
FREE = {"posted": 50, "lots_total": 50, "debt": 0, "held": 0}


async def issue_many(
    session: AsyncSession, here: Neighbourhood, number: int, *, now: datetime
) -> None:
    """Issue vouchers of one point each, all around, that lapse tomorrow; stock 5 is left."""
    residents = sorted(here.residents.values())
    each = number // len(residents)
    await give_lots(session, here, [(one, each, NEVER) for one in residents], now=now)
    reward_id = await make_reward(session, here, now=now, price_points=1, stock_left=5)
    until = (now + timedelta(days=1)).replace(microsecond=0)
    vouchers: list[dict[str, Any]] = [
        {"community_id": here.community_id, "voucher_id": new_id(now), "points": 1,
         "reward_id": int(reward_id), "resident_id": resident_id, "state": "issued",
         "typed_code": new_typed_code(), "issued_at": now, "valid_until": until}
        for resident_id in residents for _ in range(each)
    ]  # fmt: skip
    holds = [
        {"item_id": row["voucher_id"], "account_id": row["resident_id"], "points": 1,
         "purpose": "redemption", "memo": "", "expires_at": until.isoformat()}
        for row in vouchers
    ]  # fmt: skip
    assert (
        len(await holds_queries.place_holds(session, here.community_id, holds, now=now)) == number
    )
    await session.execute(insert(Voucher), vouchers)


async def test_a_voucher_past_its_date_gives_the_same_lots_and_the_stock_back(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    await here.give("resident-1", "organising")
    await here.give("resident-1", "mediation")
    async with sessionmaker() as session:
        before = await list_lots(session, here.community_id, resident_id)
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    let_pass(here, clock, days=30)

    ended = await expire_vouchers(sessionmaker, now=clock.now)

    assert ended == 1
    async with sessionmaker() as session:
        assert await list_lots(session, here.community_id, resident_id) == before
        assert await figures(session, here.community_id, resident_id) == FREE
        assert await count(session, "holds", state="expired") == 1
        await assert_books_balance(session, here.community_id)
    resident = await here.caller("resident-1")
    [voucher] = (await resident.get("/v1/me/vouchers")).json()["items"]
    assert voucher["state"] == "expired"
    meal = (await resident.get(f"/v1/rewards/{here.reward_id('canteen_meal')}")).json()
    assert meal["stock_left"] == 200


async def test_a_voucher_lapses_at_its_second_and_not_before(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    lapse = clock.now + timedelta(days=30)
    moments = (lapse - timedelta(microseconds=1), lapse)
    assert [await expire_vouchers(sessionmaker, now=moment) for moment in moments] == [0, 1]


async def test_expiring_again_changes_nothing(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    clock.advance(days=31)
    assert [await expire_vouchers(sessionmaker, now=clock.now) for _ in range(3)] == [1, 0, 0]
    async with sessionmaker() as session:
        resident_id = int(here.resident_id("resident-1"))
        assert await figures(session, here.community_id, resident_id) == FREE


async def test_only_open_vouchers_expire(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    used = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await consume(here, used["typed_code"])
    returned = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await give_back(here, "resident-1", returned)
    clock.advance(days=31)
    assert await expire_vouchers(sessionmaker, now=clock.now) == 0
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


@pytest.mark.parametrize("by", ["token", "typed_code"])
async def test_an_expired_voucher_buys_nothing_whether_the_job_ran_or_not(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, by: str
) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    expected = "code_expired" if by == "token" else "voucher_expired"
    let_pass(here, clock, days=30)

    before = await consume(here, voucher[by])
    await expire_vouchers(sessionmaker, now=clock.now)
    after = await consume(here, voucher[by])

    assert [(row.status_code, problem_code(row)) for row in (before, after)] == [
        (410, expected)
    ] * 2


async def test_a_shop_is_told_of_an_expired_voucher_before_the_job_ran(
    here: Neighbourhood, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    let_pass(here, clock, days=30)
    told = (await prepare(here, voucher["typed_code"])).json()
    assert (told["can_consume"], told["reason"]) == (False, "voucher_expired")
    assert told["voucher"]["state"] == "expired"


async def test_a_confirmation_taken_back_after_the_date_expires(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    let_pass(here, clock, days=30, minutes=-5)
    consumed = (await consume(here, voucher["typed_code"])).json()
    clock.advance(minutes=10)
    assert (await withdraw(here, consumed["verification_id"])).status_code == 200

    assert await expire_vouchers(sessionmaker, now=clock.now) == 1
    async with sessionmaker() as session:
        resident_id = int(here.resident_id("resident-1"))
        assert await figures(session, here.community_id, resident_id) == FREE
        await assert_books_balance(session, here.community_id)


async def test_twelve_hundred_lapsed_vouchers_end_in_batches(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await issue_many(session, here, 1_200, now=clock.now)
    clock.advance(days=2)

    async with sessionmaker.begin() as session:
        first = await service.expire_vouchers(session, here.community_id, now=clock.now)
    rest = await expire_vouchers(sessionmaker, now=clock.now)

    assert (first, rest) == (500, 700)
    async with sessionmaker() as session:
        assert await count(session, "vouchers", state="expired") == 1_200
        left = await session.scalar(text("SELECT stock_left FROM rewards WHERE price_points = 1"))
        assert left == 5 + 1_200
        held = await session.scalar(text("SELECT sum(held) FROM balances"))
        assert held == 0
        await assert_books_balance(session, here.community_id)


async def test_vouchers_of_every_community_expire(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    for community in (here, elsewhere):
        await community.give("resident-1", "legal_advice")
        await redeem(community, "resident-1", community.reward_id("canteen_meal"))
    clock.advance(days=31)
    assert await expire_vouchers(sessionmaker, now=clock.now) == 2
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)
        await assert_books_balance(session, elsewhere.community_id)
