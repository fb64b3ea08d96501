"""Points past their date: nobody's at once, and written into the book by a job soon after."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.ledger.lapsing import jobs, service
from app.ledger.queries import lock_balances
from tests.conftest import MakeRace
from tests.ledger.conftest import Crowd
from tests.support.book_rows import count, figures, list_lots, list_moves
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.policies import YEAR_END, Sessions, Town
from tests.support.shopping import give_back, make_reward, redeem

OWN_MONTH: dict[str, Any] = {
    "expiry": {"kind": "months", "months": 1},
    "policy_version": None,
    "expiry_since": None,
}
# The last minute of the day on which points of this Wednesday, good for a month, can be used.
LAST_MINUTE = datetime(2026, 12, 18, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)
LATER = MIDNIGHT + timedelta(hours=1)


async def expiries(crowd: Crowd) -> int:
    return await count(crowd.session, "transfers", community_id=crowd.community_id, kind="expiry")


async def expire(sessionmaker: Sessions, now: datetime) -> int:
    return await jobs.expire_points(sessionmaker, now=now)


async def test_everybodys_lapsed_points_are_posted_batch_by_batch(
    crowd: Crowd, sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 7)
    await crowd.session.commit()

    assert await expire(sessionmaker, LATER) == 50

    assert await expiries(crowd) == 50
    for wallet in crowd.wallets:
        assert await figures(crowd.session, crowd.community_id, wallet) == {
            "posted": 30, "lots_total": 30, "debt": 0, "held": 0,
        }  # fmt: skip
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_run_again_the_job_finds_nothing_to_do(crowd: Crowd, sessionmaker: Sessions) -> None:
    await crowd.session.commit()
    assert await expire(sessionmaker, LATER) == 50
    assert await expire(sessionmaker, LATER) == 0
    assert await expiries(crowd) == 50


async def test_a_worker_killed_between_batches_is_followed_by_one_that_finishes(
    crowd: Crowd, sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd.session.commit()
    monkeypatch.setattr(service, "BATCH", 20)
    expire_batch = service.expire_points
    batches = 0

    async def be_killed(*arguments: Any, **more: Any) -> int:
        nonlocal batches
        batches += 1
        ended = await expire_batch(*arguments, **more)
        if batches == 2:
            raise asyncio.CancelledError
        return ended

    monkeypatch.setattr(service, "expire_points", be_killed)
    with pytest.raises(asyncio.CancelledError):
        await expire(sessionmaker, LATER)
    # The second batch was undone with its transaction.
    assert await expiries(crowd) == 20

    assert await expire(sessionmaker, LATER) == 30

    assert await expiries(crowd) == 50
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_lapsed_points_go_to_the_account_of_the_expired_from_their_lot(town: Town) -> None:
    kept = await town.earns("resident-1", 10)
    lapsed = await town.earns("resident-1", 35, **OWN_MONTH)
    await town.until(LATER)
    await town.runs("expire_points")

    async with town.sessions() as session:
        (line,) = (await town.read("resident-1", "/v1/me/statement", kind="expiry"))["items"]
        assert (line["points"], line["memo"]) == (-35, "积分到期清零")
        moves = await list_moves(session, town.community_id, int(line["transfer_id"]))
        assert moves == {lapsed: 35}
        lots = await list_lots(session, town.community_id, town.number_of("resident-1"))
        assert lots == {kept: (10, 0), lapsed: (0, 0)}
        where = {"community_id": town.community_id, "credit_account_id": 2, "maker_id": 0}
        assert await count(session, "transfers", **where) == 1
    await town.audit()


async def test_points_can_be_spent_until_the_end_of_their_last_day_and_no_longer(
    town: Town,
) -> None:
    await town.earns("resident-1", 50, **OWN_MONTH)
    await town.earns("resident-2", 50, **OWN_MONTH)
    path = f"/v1/rewards/{town.here.reward_id('canteen_meal')}/redeem"

    await town.until(LAST_MINUTE)
    assert await town.free("resident-1") == 50
    assert (await (await town.caller("resident-1")).post_once(path)).status_code == 201

    await town.until(MIDNIGHT)
    # No job has come by: all the same nobody can have them any more.
    assert (await town.posted("resident-2"), await town.free("resident-2")) == (50, 0)
    refused = await (await town.caller("resident-2")).post_once(path)
    assert (refused.status_code, problem_code(refused)) == (409, "insufficient_points")
    assert refused.json()["available_points"] == 0

    await town.runs("expire_points")
    assert (await town.posted("resident-2"), await town.free("resident-2")) == (0, 0)
    await town.audit()


async def test_held_points_lapse_only_when_they_are_let_go(town: Town) -> None:
    await town.earns("resident-1", 70, **OWN_MONTH)
    async with town.sessions.begin() as session:
        reward = await make_reward(
            session, town.here, now=town.clock.now, price_points=50, voucher_days=60
        )
    voucher = await redeem(town.here, "resident-1", reward)

    await town.until(LATER)
    await town.runs("expire_points")
    assert (await town.posted("resident-1"), await town.free("resident-1")) == (50, 0)
    await town.audit()

    cancelled = await give_back(town.here, "resident-1", voucher)
    assert cancelled.status_code == 200, cancelled.text
    assert (await town.posted("resident-1"), await town.free("resident-1")) == (50, 0)
    await town.runs("expire_points")
    assert await town.posted("resident-1") == 0
    await town.audit()


async def test_points_held_past_their_date_still_pay_for_what_they_were_held_for(
    crowd: Crowd, sessionmaker: Sessions
) -> None:
    await crowd.place(50)
    await crowd.session.commit()

    assert await expire(sessionmaker, LATER) == 50
    assert await expiries(crowd) == 0

    later = Crowd(crowd.session, crowd.here, crowd.wallets, LATER)
    assert len(await later.capture(range(900_000, 900_050))) == 50
    for wallet in crowd.wallets:
        assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 0


async def test_of_a_lot_that_is_partly_held_the_free_part_lapses(
    crowd: Crowd, sessionmaker: Sessions
) -> None:
    await crowd.place(15)
    await crowd.session.commit()
    await expire(sessionmaker, LATER)
    for wallet in crowd.wallets:
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(15, 15), (30, 0)]
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_each_community_lapses_by_its_own_policy(
    town: Town, elsewhere: Neighbourhood
) -> None:
    theirs = Town(town.app, elsewhere, town.clock)
    await town.sets(expiry={"kind": "months", "months": 1})
    await theirs.sets(expiry={"kind": "months", "months": 2})
    for one in (town, theirs):
        await one.earns("resident-1", 10)

    await town.until(LATER)
    theirs.here.callers.clear()
    await town.runs("expire_points")
    assert (await town.posted("resident-1"), await theirs.posted("resident-1")) == (0, 10)

    await theirs.until(datetime(2027, 1, 18, 17, tzinfo=UTC))
    await town.runs("expire_points")
    assert await theirs.posted("resident-1") == 0


async def test_a_rule_may_have_an_expiry_of_its_own_beside_that_of_the_policy(town: Town) -> None:
    await town.sets(expiry={"kind": "months", "months": 3})
    await town.earns("resident-1", 10)
    await town.earns("resident-1", 5, **OWN_MONTH)
    await town.until(LATER)
    assert await town.free("resident-1") == 10
    await town.until(datetime(2027, 2, 18, 15, 59, tzinfo=UTC))
    assert await town.free("resident-1") == 10
    await town.until(datetime(2027, 2, 18, 16, 0, tzinfo=UTC))
    assert await town.free("resident-1") == 0


async def test_a_years_points_are_good_until_the_grace_is_over(town: Town) -> None:
    await town.sets(expiry=YEAR_END)
    await town.until(datetime(2028, 6, 1, 7, tzinfo=UTC))
    await town.earns("resident-1", 10)
    await town.until(datetime(2029, 1, 2, 7, tzinfo=UTC))
    await town.earns("resident-1", 4)

    await town.until(datetime(2029, 1, 31, 15, 59, tzinfo=UTC))
    await town.runs("expire_points")
    assert await town.free("resident-1") == 14
    await town.until(datetime(2029, 1, 31, 16, 0, tzinfo=UTC))
    await town.runs("expire_points")
    assert await town.posted("resident-1") == 4
    await town.audit()


async def test_old_points_and_new_ones_lapse_one_full_period_after_the_policy_came(
    town: Town,
) -> None:
    await town.earns("resident-1", 10)
    await town.until(datetime(2026, 12, 1, 7, tzinfo=UTC))
    await town.sets(expiry={"kind": "months", "months": 6})
    await town.earns("resident-1", 5)

    await town.until(datetime(2027, 6, 1, 15, 59, tzinfo=UTC))
    await town.runs("expire_points")
    assert await town.free("resident-1") == 15
    await town.until(datetime(2027, 6, 1, 16, 0, tzinfo=UTC))
    await town.runs("expire_points")
    assert await town.posted("resident-1") == 0
    await town.audit()


async def test_what_lapsed_beside_a_debt_leaves_the_debt(town: Town) -> None:
    """Points given back, or late, may stand beside one: the book counts them apart."""
    await town.earns("resident-1", 10, **OWN_MONTH)
    await town.do(
        """UPDATE balances SET debt = 4, floor = -4, posted = posted - 4
        WHERE community_id = :community AND account_id = :wallet""",
        wallet=town.number_of("resident-1"),
    )
    await town.until(LATER)
    await town.runs("expire_points")
    async with town.sessions() as session:
        wallet = town.number_of("resident-1")
        assert await figures(session, town.community_id, wallet) == {
            "posted": -4, "lots_total": 0, "debt": 4, "held": 0,
        }  # fmt: skip


async def test_a_wallet_in_use_is_not_waited_for_but_found_the_next_time(
    app_of_session: FastAPI, race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    town = Town(app_of_session, await race(3), clock)
    for number in (1, 2, 3):
        await town.earns(f"resident-{number}", 10, **OWN_MONTH)
    async with race_sessionmaker.begin() as session:
        await lock_balances(session, town.community_id, [town.number_of("resident-2")])
        assert await expire(race_sessionmaker, LATER) == 2
    assert await expire(race_sessionmaker, LATER) == 1
    await town.audit()


async def test_two_workers_at_once_let_each_point_lapse_once(
    app_of_session: FastAPI, race: MakeRace, race_sessionmaker: Sessions, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(service, "BATCH", 2)
    town = Town(app_of_session, await race(9), clock)
    for number in range(1, 10):
        await town.earns(f"resident-{number}", 10, **OWN_MONTH)

    await asyncio.gather(*(expire(race_sessionmaker, LATER) for _ in range(3)))
    await expire(race_sessionmaker, LATER)

    async with race_sessionmaker() as session:
        where = {"community_id": town.community_id, "kind": "expiry", "points": 10}
        assert await count(session, "transfers", **where) == 9
    await town.audit()
