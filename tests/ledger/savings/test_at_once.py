"""However many moves come at once, no point is saved or withdrawn twice."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Actor
from app.ledger.lapsing.service import close_accounts_of
from app.ledger.savings.schemas import SavingsMove
from app.ledger.savings.service import deposit
from tests.concurrency.crowd import tally, together
from tests.ledger.savings.bank import DEPOSITS, WITHDRAWALS, Bank
from tests.ledger.savings.conftest import OpenBank
from tests.support.book_rows import count

HERS = "resident-1"


async def until_somebody_waits(
    sessionmaker: async_sessionmaker[AsyncSession], work: asyncio.Task[int]
) -> None:
    """Return as soon as the work waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(20), sessionmaker() as watching:
        while not await watching.scalar(waiting):
            assert not work.done()
            await watching.rollback()


async def test_first_deposits_at_once_open_one_account(racing_bank: OpenBank) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 100)
    await bank.here.caller(HERS)

    answers = await together(bank.move(HERS, DEPOSITS, 5) for _ in range(20))

    assert tally(answers) == {"201": 20}
    assert await bank.figures(HERS) == (0, 100, 0)
    async with bank.sessionmaker() as session:
        assert await count(session, "accounts", kind="savings") == 1
    await bank.audit()


async def test_deposits_at_once_save_no_more_than_there_is(racing_bank: OpenBank) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 50)
    await bank.here.caller(HERS)

    answers = await together(bank.move(HERS, DEPOSITS, 7) for _ in range(20))

    assert tally(answers) == {"201": 7, "insufficient_points": 13}
    assert await bank.figures(HERS) == (1, 49, 0)
    await bank.audit()


async def test_withdrawals_at_once_take_no_more_than_is_saved(racing_bank: OpenBank) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 50)
    await bank.save(HERS, 50)

    answers = await together(bank.move(HERS, WITHDRAWALS, 7) for _ in range(20))

    assert tally(answers) == {"201": 7, "insufficient_points": 13}
    assert await bank.figures(HERS) == (49, 1, 0)
    await bank.audit()


async def test_in_and_out_at_once_loses_nothing(racing_bank: OpenBank) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 40)
    await bank.save(HERS, 20)
    moves = [(path, points) for points in range(1, 11) for path in (DEPOSITS, WITHDRAWALS)]

    answers = await together(bank.move(HERS, path, points) for path, points in moves)

    outcomes = tally(answers)
    assert set(outcomes) <= {"201", "insufficient_points"}
    went: Counter[str] = Counter()
    for (path, points), answer in zip(moves, answers, strict=True):
        went[path] += points if answer.is_success else 0
    free, saved, _ = await bank.figures(HERS)
    assert (free, saved) == (
        20 - went[DEPOSITS] + went[WITHDRAWALS], 20 + went[DEPOSITS] - went[WITHDRAWALS],
    )  # fmt: skip
    await bank.audit()


async def test_one_key_twenty_times_saves_once(racing_bank: OpenBank) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 50)
    await bank.here.caller(HERS)

    answers = await together(bank.move(HERS, DEPOSITS, 10, key="the-same") for _ in range(20))

    assert tally(answers) == {"201": 20}
    assert len({answer.content for answer in answers}) == 1
    assert await bank.figures(HERS) == (40, 10, 0)
    await bank.audit()


async def beside_a_first_deposit(bank: Bank, work: str) -> int:
    """Let a fine of 30, or the end of the account, wait for a first deposit that is under way."""
    resident_id = int(bank.here.resident_id(HERS))
    actor = Actor(1, 1, bank.here.community_id, resident_id, ())

    async def do() -> int:
        async with bank.sessionmaker.begin() as session:
            if work == "fine":
                return await bank.fine_within(session, HERS, 30)
            return await close_accounts_of(
                session, actor.community, resident_id,
                memo="注销清零", maker_id=1, now=bank.clock.now,
            )  # fmt: skip

    async with bank.sessionmaker.begin() as session:
        await deposit(session, actor, SavingsMove(points=50), now=bank.clock.now)
        doing = asyncio.create_task(do())
        await until_somebody_waits(bank.sessionmaker, doing)
    return await doing


@pytest.mark.parametrize(("work", "left"), [("fine", (0, 20, 0)), ("closing", (0, 0, 0))])
async def test_a_first_deposit_under_way_hides_nothing(
    racing_bank: OpenBank, work: str, left: tuple[int, int, int]
) -> None:
    bank = await racing_bank(2)
    await bank.give(HERS, 50)
    await bank.here.caller(HERS)

    taken = await beside_a_first_deposit(bank, work)

    assert await bank.figures(HERS) == left
    assert taken == 50 - sum(left)
    await bank.audit()
