"""However many gifts come at once, nobody gives more than they have, or than a month allows."""

import asyncio

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.queries import lock_balances
from tests.concurrency.crowd import tally, together
from tests.ledger.gifts.conftest import OpenGivers
from tests.support.caller import problem_code


async def test_a_months_limit_holds_at_once(racing_givers: OpenGivers) -> None:
    """Elsewhere a limit of 100, read before the lock, let 2,000 through (fuint, issue 71)."""
    givers = await racing_givers(3)
    await givers.give("resident-1", 500)
    codes = [await givers.code_of(name) for name in ("resident-2", "resident-3")]
    await givers.here.caller("resident-1")

    answers = await together(
        givers.give_code("resident-1", code, 7) for _ in range(10) for code in codes
    )

    assert tally(answers) == {"201": 5, "gift_limit_reached": 15}
    assert await givers.figures("resident-1") == (465, 0, 0)
    received = [await givers.figures(name) for name in ("resident-2", "resident-3")]
    assert sum(free for free, _, _ in received) == 35
    await givers.audit()


async def test_gifts_at_once_give_no_more_than_there_is(racing_givers: OpenGivers) -> None:
    givers = await racing_givers(2)
    await givers.give("resident-1", 20)
    code = await givers.code_of("resident-2")
    await givers.here.caller("resident-1")

    answers = await together(givers.give_code("resident-1", code, 3) for _ in range(20))

    outcomes = tally(answers)
    assert outcomes["201"] == 6
    assert set(outcomes) == {"201", "insufficient_points"}
    assert await givers.figures("resident-2") == (18, 0, 0)
    await givers.audit()


async def test_two_who_give_to_each_other_at_once_both_succeed(
    racing_givers: OpenGivers,
) -> None:
    givers = await racing_givers(2)
    pair = ("resident-1", "resident-2")
    codes = {name: await givers.code_of(name) for name in pair}
    for name in pair:
        await givers.give(name, 40)

    def gifts(count: int) -> list[tuple[str, str]]:
        return [(name, codes[other]) for _ in range(count) for name, other in (pair, pair[::-1])]

    answers = await together(givers.give_code(name, code, 2) for name, code in gifts(20))

    assert tally(answers) == {"201": 40}
    assert [await givers.figures(name) for name in pair] == [(40, 0, 0)] * 2
    await givers.audit()


async def test_one_key_twenty_times_gives_once(racing_givers: OpenGivers) -> None:
    givers = await racing_givers(2)
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")
    await givers.here.caller("resident-1")

    async def give() -> httpx.Response:
        return await givers.give_code("resident-1", code, 10, key="the-same")

    answers = await together(give() for _ in range(20))

    assert tally(answers) == {"201": 20}
    assert len({answer.content for answer in answers}) == 1
    assert await givers.figures("resident-2") == (10, 0, 0)
    await givers.audit()


async def until_it_waits(
    sessionmaker: async_sessionmaker[AsyncSession], work: asyncio.Task[httpx.Response]
) -> None:
    """Return as soon as the work waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(20), sessionmaker() as watching:
        while not await watching.scalar(waiting):
            assert not work.done()
            await watching.rollback()


async def test_who_leaves_while_a_gift_is_under_way_is_given_nothing(
    racing_givers: OpenGivers,
) -> None:
    givers = await racing_givers(2)
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")
    await givers.here.caller("resident-1")
    leaver = int(givers.here.resident_id("resident-2"))

    async with givers.sessionmaker.begin() as session:
        await lock_balances(session, givers.here.community_id, [leaver])
        giving = asyncio.create_task(givers.give_code("resident-1", code, 10))
        await until_it_waits(givers.sessionmaker, giving)
        leave = text("UPDATE residents SET state = 'left' WHERE resident_id = :resident_id")
        await session.execute(leave, {"resident_id": leaver})

    assert problem_code(await giving) == "resident_not_found"
    assert await givers.figures("resident-1") == (50, 0, 0)
    await givers.audit()
