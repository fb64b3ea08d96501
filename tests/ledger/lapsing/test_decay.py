"""Half-life: a wallet that lay unused for the policy's months loses a percentage, rounded down."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.ledger.lapsing import jobs, service
from tests.ledger.conftest import Crowd
from tests.support.awards import NEVER, award, get_terms, make_item
from tests.support.book_rows import count, list_lots
from tests.support.books import assert_books_balance
from tests.support.neighbourhood import Neighbourhood
from tests.support.policies import SIX_MONTHS, Sessions, Town, put_policy
from tests.support.shopping import consume, make_reward, redeem

HALVED = {"months": 12, "percent": 50}
# The policy is set on 18 November 2026, seven in the morning UTC; nothing halves before this.
A_YEAR_ON = datetime(2027, 11, 18, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def halving(town: Town) -> AsyncIterator[Town]:
    """A town in which unused points halve after a year; its book is audited at the end."""
    await town.sets(decay=HALVED, savings={"is_exempt": True})
    yield town
    await town.audit()


async def spends(town: Town, name: str, points: int) -> None:
    """Redeem something and use the voucher at once."""
    async with town.sessions.begin() as session:
        reward = await make_reward(session, town.here, now=town.clock.now, price_points=points)
    voucher = await redeem(town.here, name, reward)
    used = await consume(town.here, voucher["typed_code"])
    assert used.status_code == 200, used.text


async def test_what_lay_unused_for_a_year_halves(halving: Town) -> None:
    lot = await halving.earns("resident-1", 35)
    await halving.until(A_YEAR_ON - timedelta(minutes=1))
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 35

    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")

    # Half of 35 is 17 and a half: the resident keeps the odd point.
    assert (await halving.posted("resident-1"), await halving.free("resident-1")) == (18, 18)
    (line,) = (await halving.read("resident-1", "/v1/me/statement", kind="decay"))["items"]
    assert (line["points"], line["memo"]) == (-17, "积分长期未使用，减少 50%")
    async with halving.sessions() as session:
        wallet = halving.number_of("resident-1")
        assert await list_lots(session, halving.community_id, wallet) == {lot: (18, 0)}


async def test_run_again_the_job_cuts_nothing_more(halving: Town) -> None:
    await halving.earns("resident-1", 35)
    for moment in (A_YEAR_ON, A_YEAR_ON, A_YEAR_ON + DAY, A_YEAR_ON + 300 * DAY):
        await halving.until(moment)
        await halving.runs("decay_points")
        assert await halving.posted("resident-1") == 18


async def test_another_year_later_what_is_left_halves_again(halving: Town) -> None:
    await halving.earns("resident-1", 35)
    left = []
    for year in (2027, 2028, 2029):
        await halving.until(A_YEAR_ON.replace(year=year))
        await halving.runs("decay_points")
        left.append(await halving.posted("resident-1"))
    assert left == [18, 9, 5]


async def test_a_job_that_was_down_for_years_cuts_once(halving: Town) -> None:
    await halving.earns("resident-1", 40)
    await halving.until(A_YEAR_ON.replace(year=2029))
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 20


async def test_using_any_point_within_the_year_keeps_all_of_them(halving: Town) -> None:
    await halving.earns("resident-1", 40)
    await halving.earns("resident-2", 40)
    used_at = A_YEAR_ON - 30 * DAY
    await halving.until(used_at)
    await spends(halving, "resident-1", 1)

    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    assert (await halving.posted("resident-1"), await halving.posted("resident-2")) == (39, 20)

    await halving.until(used_at.replace(year=2028))
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 20


async def test_points_younger_than_the_period_are_not_cut(halving: Town) -> None:
    old = await halving.earns("resident-1", 20)
    await halving.until(A_YEAR_ON - 300 * DAY)
    young = await halving.earns("resident-1", 30)
    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    async with halving.sessions() as session:
        lots = await list_lots(session, halving.community_id, halving.number_of("resident-1"))
    assert lots == {old: (10, 0), young: (30, 0)}


async def test_a_round_that_found_only_young_points_does_not_put_off_the_next(
    halving: Town,
) -> None:
    earned_at = A_YEAR_ON - 300 * DAY
    await halving.until(earned_at)
    await halving.earns("resident-1", 30)
    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 30

    await halving.until(earned_at.replace(year=2028))
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 15


async def test_rounding_spares_what_lapses_first(halving: Town) -> None:
    own = {"policy_version": None, "expiry_since": None}
    later = {"expiry": {"kind": "months", "months": 36}, **own}
    sooner = {"expiry": {"kind": "months", "months": 24}, **own}
    lapsing_later = await halving.earns("resident-1", 3, **later)
    lapsing_sooner = await halving.earns("resident-1", 3, **sooner)

    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")

    async with halving.sessions() as session:
        lots = await list_lots(session, halving.community_id, halving.number_of("resident-1"))
    assert lots == {lapsing_later: (1, 0), lapsing_sooner: (2, 0)}


async def test_points_given_to_a_neighbour_are_as_old_as_before(town: Town) -> None:
    await town.sets(decay=HALVED, gifts={"max_points_per_month": 100})
    await town.earns("resident-1", 40)
    await town.until(A_YEAR_ON - 30 * DAY)
    code = (await town.read("resident-2", "/v1/me/code"))["token"]
    giver = await town.caller("resident-1")
    given = await giver.post_once("/v1/me/gifts", {"code": code, "points": 40})
    assert given.status_code == 201, given.text

    await town.until(A_YEAR_ON)
    await town.runs("decay_points")

    assert await town.posted("resident-2") == 20
    await town.audit()


async def test_held_points_are_not_cut(halving: Town) -> None:
    await halving.earns("resident-1", 50)
    await halving.until(A_YEAR_ON - DAY)
    async with halving.sessions.begin() as session:
        reward = await make_reward(session, halving.here, now=halving.clock.now, price_points=40)
    await redeem(halving.here, "resident-1", reward)

    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    assert (await halving.posted("resident-1"), await halving.free("resident-1")) == (45, 5)


async def test_savings_are_not_cut(halving: Town) -> None:
    await halving.earns("resident-1", 50)
    saver = await halving.caller("resident-1")
    answer = await saver.post_once("/v1/me/savings/deposits", {"points": 30})
    assert answer.status_code == 201, answer.text
    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    assert await halving.posted("resident-1") == 10
    assert (await halving.read("resident-1", "/v1/me/savings"))["points"] == 30


async def test_lapsed_points_are_left_to_lapse(halving: Town) -> None:
    await halving.earns("resident-1", 20)
    gone = {"expiry": SIX_MONTHS, "policy_version": None, "expiry_since": None}
    await halving.earns("resident-1", 100, **gone)
    await halving.until(A_YEAR_ON)
    await halving.runs("decay_points")
    assert (await halving.posted("resident-1"), await halving.free("resident-1")) == (110, 10)


async def test_a_policy_switched_on_later_waits_a_full_period(town: Town) -> None:
    await town.earns("resident-1", 40)
    await town.until(datetime(2030, 1, 1, 7, tzinfo=UTC))
    await town.runs("decay_points")
    await town.sets(decay=HALVED)
    await town.until(datetime(2030, 12, 31, 7, tzinfo=UTC))
    await town.runs("decay_points")
    assert await town.posted("resident-1") == 40
    await town.until(datetime(2031, 1, 1, 7, tzinfo=UTC))
    await town.runs("decay_points")
    assert await town.posted("resident-1") == 20
    await town.audit()


async def test_only_where_the_policy_says_so_unused_points_are_cut(
    town: Town, elsewhere: Neighbourhood
) -> None:
    theirs = Town(town.app, elsewhere, town.clock)
    await theirs.sets(decay=HALVED)
    for one in (town, theirs):
        await one.earns("resident-1", 40)
    await town.until(A_YEAR_ON)
    theirs.here.callers.clear()
    await town.runs("decay_points")
    assert (await town.posted("resident-1"), await theirs.posted("resident-1")) == (40, 20)


async def scatter(crowd: Crowd, chance: random.Random) -> dict[int, int]:
    """Give everybody up to six lots of any size and expiry; return wallet → all its points."""
    expiries = (NEVER, {"kind": "months", "months": 24}, {"kind": "months", "months": 36})
    lots = [
        (wallet, chance.randint(1, 60), chance.choice(expiries))
        for wallet in crowd.wallets
        for _ in range(chance.randint(0, 6))
    ]
    terms = await get_terms(
        crowd.session, crowd.here, "survey", at=crowd.now, policy_version=None, expiry_since=None
    )
    items = [
        make_item(replace(terms, points=points, expiry=expiry), wallet, now=crowd.now)
        for wallet, points, expiry in lots
    ]
    await award(crowd.session, crowd.here, items, now=crowd.now)
    # The crowd's own 50 points lapse long before the cut.
    totals = dict.fromkeys(crowd.wallets, 0)
    for wallet, points, _ in lots:
        totals[wallet] += points
    return totals


@pytest.mark.parametrize("percent", [1, 33, 50, 99, 100])
async def test_a_wallet_loses_the_percentage_of_the_whole_rounded_down_and_lots_sum_up_to_it(
    crowd: Crowd, sessionmaker: Sessions, percent: int
) -> None:
    totals = await scatter(crowd, random.Random(percent))  # noqa: S311 - a fixed one
    await crowd.session.commit()
    await put_policy(crowd.here, decay={"months": 12, "percent": percent})
    await jobs.expire_points(sessionmaker, now=A_YEAR_ON)

    await jobs.decay_points(sessionmaker, now=A_YEAR_ON)

    for wallet, total in totals.items():
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert sum(left for left, _ in lots.values()) == total - total * percent // 100
    cut = sum(total * percent // 100 for total in totals.values())
    assert cut == await crowd.session.scalar(
        text("""SELECT coalesce(sum(lot_moves.points), 0) FROM lot_moves
            JOIN transfers USING (community_id, transfer_id)
            WHERE community_id = :community AND kind = 'decay'"""),
        {"community": crowd.community_id},
    )
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_a_worker_killed_between_batches_is_followed_by_one_that_finishes(
    crowd: Crowd, sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = await scatter(crowd, random.Random(7))  # noqa: S311 - a fixed one
    await crowd.session.commit()
    await put_policy(crowd.here, decay=HALVED)
    await jobs.expire_points(sessionmaker, now=A_YEAR_ON)
    monkeypatch.setattr(service, "BATCH", 15)
    decay_batch = service.decay_points
    batches = 0

    async def be_killed(*arguments: Any, **more: Any) -> int:
        nonlocal batches
        batches += 1
        reached = await decay_batch(*arguments, **more)
        if batches == 3:
            raise asyncio.CancelledError
        return reached

    monkeypatch.setattr(service, "decay_points", be_killed)
    with pytest.raises(asyncio.CancelledError):
        await jobs.decay_points(sessionmaker, now=A_YEAR_ON)
    where = {"community_id": crowd.community_id, "kind": "decay"}
    worth_a_cut = [total for total in totals.values() if total > 1]
    assert 0 < await count(crowd.session, "transfers", **where) < len(worth_a_cut)

    await jobs.decay_points(sessionmaker, now=A_YEAR_ON)

    assert await count(crowd.session, "transfers", **where) == len(worth_a_cut)
    for wallet, total in totals.items():
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert sum(left for left, _ in lots.values()) == total - total // 2
    await assert_books_balance(crowd.session, crowd.community_id)
