"""A new policy reaches the points and wallets that are there: later, once, and never back."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.posting import Verdict
from app.core.ids import new_id
from app.jobs import JOBS
from app.ledger import queries as ledger
from app.ledger.deductions import service as deductions
from app.ledger.models import TransferKind
from app.ledger.moves.service import Move, move_points
from app.ledger.point_policy import service
from app.ledger.point_policy.jobs import apply_point_policy
from tests.conftest import MakeRace
from tests.support.awards import award, get_terms, make_item
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.policies import SIX_MONTHS, YEAR_END, Sessions, Town, put_policy
from tests.support.shopping import consume, give_back, make_reward, redeem, withdraw
from tests.support.working import worker_of

WALLETS_AND_LOTS = """
    SELECT json_agg(row ORDER BY row) FROM (
        SELECT format('%s %s %s', account_id, floor, next_expiry_at) FROM balances
        WHERE community_id = :community
        UNION ALL SELECT format('%s %s %s', account_id, lot_id, expires_at) FROM lots
        WHERE community_id = :community) AS found (row)
"""
# Six months after this Wednesday, and the end of the year in which a whole one is over.
HALF_A_YEAR_ON = "2027-05-18 23:59"
A_YEAR_ON = "2028-01-31 23:59"
UNDATED_GIFTS = """
    SELECT json_agg(account_id) FROM lots
    WHERE community_id = :community AND lot_id < 0 AND expires_at = 'infinity'
"""
FLOORS = """
    SELECT json_agg(floor ORDER BY floor)
    FROM balances JOIN accounts USING (community_id, account_id)
    WHERE community_id = :community AND kind = 'wallet'
"""


@pytest.mark.parametrize(("expiry", "first"), [(SIX_MONTHS, HALF_A_YEAR_ON), (YEAR_END, A_YEAR_ON)])
async def test_what_is_switched_on_later_takes_effect_a_full_period_later(
    town: Town, expiry: dict[str, Any], first: str
) -> None:
    old = await town.earns("resident-1", 10)
    await town.sets(expiry=expiry)
    new = await town.earns("resident-1", 10)

    assert [await town.lapse_of(lot) for lot in (old, new)] == [first, first]
    await town.audit()


async def test_points_given_long_after_count_from_their_own_day(town: Town) -> None:
    await town.sets(expiry=SIX_MONTHS)
    await town.until(datetime(2027, 3, 1, 7, tzinfo=UTC))
    assert await town.lapse_of(await town.earns("resident-1", 10)) == "2027-09-01 23:59"


async def test_points_of_a_rule_with_an_expiry_of_its_own_keep_it(town: Town) -> None:
    own = {"policy_version": None, "expiry_since": None}
    kept = await town.earns("resident-1", 10, expiry={"kind": "never"}, **own)
    short = await town.earns("resident-1", 10, expiry={"kind": "months", "months": 1}, **own)
    await town.sets(expiry=SIX_MONTHS)
    later = await town.earns("resident-1", 10, expiry={"kind": "never"}, **own)

    lapses = [await town.lapse_of(lot) for lot in (kept, short, later)]
    assert lapses == ["never", "2026-12-18 23:59", "never"]


async def test_a_date_once_given_stays_whatever_is_decided_after(town: Town) -> None:
    lot = await town.earns("resident-1", 10)
    await town.sets(expiry=SIX_MONTHS)
    for expiry in (YEAR_END, {"kind": "never"}, {"kind": "months", "months": 1}):
        await town.sets(expiry=expiry)
        assert await town.lapse_of(lot) == HALF_A_YEAR_ON


async def test_points_held_when_the_policy_comes_get_its_date_too(town: Town) -> None:
    lot = await town.earns("resident-1", 50)
    resident = await town.caller("resident-1")
    path = f"/v1/rewards/{town.here.reward_id('canteen_meal')}/redeem"
    assert (await resident.post_once(path)).status_code == 201

    await town.sets(expiry=SIX_MONTHS)

    assert await town.lapse_of(lot) == HALF_A_YEAR_ON
    await town.audit()


async def test_points_given_back_into_a_lot_that_was_empty_get_the_date_too(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else something bought before the policy and undone after it would last for ever."""
    monkeypatch.setattr(service, "LOTS_BATCH", 2)
    lots = [await town.earns("resident-1", 10) for _ in range(5)]
    async with town.sessions.begin() as session:
        reward = await make_reward(session, town.here, now=town.clock.now, price_points=50)
    voucher = await redeem(town.here, "resident-1", reward)
    used = await consume(town.here, voucher["typed_code"])
    assert used.status_code == 200, used.text
    assert await town.posted("resident-1") == 0

    await town.sets(expiry=SIX_MONTHS)
    undone = await withdraw(town.here, used.json()["verification_id"])
    assert undone.status_code == 200, undone.text
    await give_back(town.here, "resident-1", voucher)

    assert await town.free("resident-1") == 50
    assert {await town.lapse_of(lot) for lot in lots} == {HALF_A_YEAR_ON}
    await town.until(datetime(2027, 5, 18, 16, 0, tzinfo=UTC))
    assert await town.free("resident-1") == 0
    await town.audit()


async def gives(town: Town, giver: str, receiver: str) -> None:
    """Give all of 10 points below HTTP."""
    now, number = town.clock.now, new_id(town.clock.now)
    wallets = (town.number_of(giver), town.number_of(receiver))
    gift = Move(number, TransferKind.GIFT, *wallets, 10, "", 1, "gift", number)
    async with town.sessions.begin() as session:
        await ledger.lock_balances(session, town.community_id, wallets)
        await move_points(session, town.community_id, gift, now=now)


async def test_points_given_on_while_lots_are_dated_get_the_date_too(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lot made of another one is met after it, also if it is made while the job is under way."""
    monkeypatch.setattr(service, "LOTS_BATCH", 1)
    for giver, receiver in (("resident-1", "resident-3"), ("resident-2", "resident-4")):
        await town.earns(giver, 10)
        await gives(town, giver, receiver)
    await put_policy(town.here, expiry=SIX_MONTHS)
    date_lots = service.apply_to_lots

    async def date_and_give_on(*values: Any, **named: Any) -> int | None:
        reached = await date_lots(*values, **named)
        undated = await town.ask(UNDATED_GIFTS)
        if len(undated or ()) == 1 and await town.posted("resident-5") == 0:
            holders = [name for name in ("resident-3", "resident-4")
                       if town.number_of(name) in undated]  # fmt: skip
            await gives(town, holders[0], "resident-5")
        return reached

    async def nobody(*_: object, **__: object) -> int:
        """Stand for accounts seen to before anything came to them."""
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(service, "apply_to_accounts", nobody)
        patch.setattr(service, "apply_to_lots", date_and_give_on)
        await apply_point_policy(town.sessions, town.community_id)

    assert await town.posted("resident-5") == 10
    assert await town.ask(UNDATED_GIFTS) is None


async def fines(town: Town, name: str, points: int) -> int:
    """Take points below HTTP; return how many were there to be taken."""
    now = town.clock.now
    async with town.sessions.begin() as session:
        terms = await get_terms(session, town.here, "survey", at=now)
        number = new_id(now)
        deduction = deductions.Deduction(
            withdrawal_id=new_id(now),
            deduction_id=number,
            account_id=town.number_of(name),
            points=points,
            source_kind="contribution",
            source_id=number,
            memo="乱扔垃圾",
            rule_version_id=terms.rule_version_id,
            maker_id=1,
            checker_id=2,
            occurred_at=now,
        )
        return await deductions.deduct(session, town.community_id, deduction, now=now)


async def test_a_floor_lets_a_deduction_become_debt_as_far_as_it_goes(town: Town) -> None:
    await town.earns("resident-1", 10)
    await town.sets(lowest_points=-20)

    assert await fines(town, "resident-1", 100) == 30
    assert (await town.posted("resident-1"), await town.free("resident-1")) == (-20, 0)


async def test_a_floor_that_rises_forgives_no_debt_and_allows_no_more(town: Town) -> None:
    await town.sets(lowest_points=-20)
    assert await fines(town, "resident-1", 15) == 15

    await town.sets(lowest_points=-5)

    assert await fines(town, "resident-1", 10) == 0
    assert await fines(town, "resident-2", 10) == 5
    assert await town.ask(FLOORS) == [-15, -5, -5, -5, -5, -5]


async def test_a_floor_of_before_is_not_that_of_wallets_opened_later(town: Town) -> None:
    await town.sets(lowest_points=-20)
    worker = await town.caller("worker-1")
    body = {
        "name": "周美芳",
        "building_id": str(town.here.places.buildings[0]),
        "room": "9-901",
        "phone": "13800138000",
    }
    answer = await worker.post_once("/v1/staff/residents", body)
    assert answer.status_code == 201, answer.text
    assert await town.ask(FLOORS) == [-20] * 7


async def test_carried_out_again_a_policy_changes_nothing(town: Town) -> None:
    for name in ("resident-1", "resident-2"):
        await town.earns(name, 10)
    await town.sets(expiry=SIX_MONTHS, lowest_points=-5)
    before = await town.ask(WALLETS_AND_LOTS)
    assert sum(HALF_A_YEAR_ON[:4] in line for line in before) == 4

    await town.until(datetime(2027, 3, 1, 7, tzinfo=UTC))
    await apply_point_policy(town.sessions, town.community_id)

    assert await town.ask(WALLETS_AND_LOTS) == before


async def test_a_worker_killed_between_batches_is_followed_by_one_that_finishes(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots = [await town.earns(f"resident-{number}", 10) for number in range(1, 7)]
    await put_policy(town.here, expiry=SIX_MONTHS, lowest_points=-5)
    third = sorted(town.here.residents.values())[2]
    monkeypatch.setattr(service, "BATCH", 1)
    carry = service.apply_to_accounts

    async def be_killed(*arguments: Any, after: int) -> int:
        if after == third:
            raise asyncio.CancelledError
        return await carry(*arguments, after=after)

    with monkeypatch.context() as patch:
        patch.setattr(service, "apply_to_accounts", be_killed)
        with pytest.raises(asyncio.CancelledError):
            await apply_point_policy(town.sessions, town.community_id)
    lapses = [await town.lapse_of(lot) for lot in lots]
    assert sorted(lapses) == [HALF_A_YEAR_ON] * 3 + ["never"] * 3
    assert await town.ask(FLOORS) == [-5, -5, -5, 0, 0, 0]

    await apply_point_policy(town.sessions, town.community_id)

    assert [await town.lapse_of(lot) for lot in lots] == [HALF_A_YEAR_ON] * 6
    assert await town.ask(FLOORS) == [-5] * 6


async def test_the_job_of_an_older_version_that_comes_late_does_not_undo_a_newer_one(
    town: Town,
) -> None:
    await put_policy(town.here, lowest_points=-20)
    await put_policy(town.here, lowest_points=-5)
    for version in (3, 2):
        payload = f"{town.community_id}:{version}".encode()
        await JOBS["apply_point_policy"](worker_of(town.app), payload)
    assert await town.ask(FLOORS) == [-5] * 6


async def test_wallets_and_points_of_another_community_are_left_alone(
    town: Town, elsewhere: Neighbourhood
) -> None:
    theirs = Town(town.app, elsewhere, town.clock)
    lot = await theirs.earns("resident-1", 10)
    await town.sets(expiry=SIX_MONTHS, lowest_points=-5)
    assert await theirs.lapse_of(lot) == "never"
    assert await theirs.ask(FLOORS) == [0] * 6


# An award and a new policy at once: none of its points may be left without a date.


async def undated(sessions: Sessions) -> int:
    async with sessions() as session:
        found = await session.scalar(
            text("SELECT count(*) FROM lots WHERE expires_at = 'infinity' AND follows_policy")
        )
    return int(found or 0)


async def test_an_award_judged_by_the_policy_of_before_is_not_posted(town: Town) -> None:
    now = town.clock.now
    async with town.sessions() as session:
        terms = await get_terms(session, town.here, "survey", at=now)
    await town.sets(expiry=SIX_MONTHS)

    async with town.sessions.begin() as session:
        item = make_item(terms, town.number_of("resident-1"), now=now)
        (outcome,) = await award(session, town.here, [item], now=now)

    assert outcome.decision.verdict is Verdict.RULE_CHANGED
    assert await town.posted("resident-1") == 0


async def until_it_waits(session: AsyncSession, job: asyncio.Task[None]) -> None:
    """Return when somebody waits for a lock; the job must not be done before."""
    async with asyncio.timeout(20):
        while not await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not job.done()


async def test_an_award_that_is_under_way_when_the_policy_comes_gets_its_date(
    app_of_session: FastAPI, race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    town = Town(app_of_session, await race(2), clock)
    now = town.clock.now
    async with race_sessionmaker() as session:
        terms = await get_terms(session, town.here, "survey", at=now)
        item = make_item(terms, town.number_of("resident-1"), now=now)
        (outcome,) = await award(session, town.here, [item], now=now)
        assert outcome.decision.is_new
        await put_policy(town.here, expiry=SIX_MONTHS)
        job = asyncio.create_task(apply_point_policy(race_sessionmaker, town.community_id))
        await until_it_waits(session, job)
        await session.commit()
        await job

    assert await town.lapse_of(item.contribution_id) == HALF_A_YEAR_ON


async def test_of_many_awards_at_once_with_a_new_policy_none_lasts_for_ever(
    app_of_session: FastAPI, race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    town = Town(app_of_session, await race(6), clock)
    now = town.clock.now
    verdicts: list[Verdict] = []

    async def keep_awarding(number: int) -> None:
        for _ in range(4):
            async with race_sessionmaker.begin() as session:
                terms = await get_terms(session, town.here, "survey", at=now)
                item = make_item(terms, town.number_of(f"resident-{number}"), now=now)
                (outcome,) = await award(session, town.here, [item], now=now)
                verdicts.append(outcome.decision.verdict)

    async def change_the_policy() -> None:
        await put_policy(town.here, expiry=SIX_MONTHS)
        await apply_point_policy(race_sessionmaker, town.community_id)

    await asyncio.gather(*(keep_awarding(number) for number in range(1, 7)), change_the_policy())

    assert set(verdicts) <= {Verdict.GRANTED, Verdict.RULE_CHANGED}
    assert verdicts.count(Verdict.GRANTED) > 6
    assert await undated(race_sessionmaker) == 0
    await town.audit()
