"""Erasing beside sealing, and by two workers at once."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.unlinking.service import Leaver, unlink_batch
from tests.ledger.unlinking.conftest import OpenLeavers

PEOPLE = 4
_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def somebody_waits(sessionmaker: async_sessionmaker[AsyncSession]) -> None:
    """Return as soon as some transaction waits for another."""
    async with asyncio.timeout(10), sessionmaker() as watching:
        while await watching.scalar(text(_WAITING)) == 0:
            await watching.rollback()


async def test_erasing_beside_sealing_leaves_every_line_as_sealed(
    racing_leavers: OpenLeavers,
) -> None:
    leavers = await racing_leavers(PEOPLE)
    names = [f"resident-{number}" for number in range(1, PEOPLE + 1)]
    for name in names:
        await leavers.give(name, 30)
        await leavers.leave(name)

    async def work(of: str) -> None:
        for points in (1, 2, 3):
            await leavers.give(of, points)
            await asyncio.gather(leavers.seal(), leavers.erase(), leavers.erase())

    await asyncio.gather(*(work(name) for name in names))
    await leavers.seal()
    await leavers.erase()

    lines = await leavers.all_lines()
    assert len(lines) == 4 * PEOPLE
    assert all(line.is_as_sealed and line.row.salt is None for line in lines)
    assert all("credit_account" not in line.opens() for line in lines)


async def test_both_sides_of_many_gifts_erased_at_once_are_all_hidden(
    racing_leavers: OpenLeavers,
) -> None:
    leavers = await racing_leavers(2)
    pair = ("resident-1", "resident-2")
    for name in pair:
        await leavers.give(name, 40)
    for _ in range(10):
        await leavers.give_to(*pair, 2)
        await leavers.give_to(*pair[::-1], 2)
    await leavers.seal()
    for name in pair:
        await leavers.leave(name)

    await asyncio.gather(*(leavers.erase() for _ in range(4)))

    lines = await leavers.all_lines()
    assert all(line.is_as_sealed for line in lines)
    gifts = [line.opens() for line in lines if line.row.kind == "gift"]
    assert gifts == [{"checker"}] * 20
    assert [(await leavers.erasure(name))["done_at"] is None for name in pair] == [False, False]


async def test_who_comes_second_to_a_gift_takes_nothing_back_of_what_the_first_has_hidden(
    racing_leavers: OpenLeavers,
) -> None:
    leavers = await racing_leavers(2)
    pair = ("resident-1", "resident-2")
    await leavers.give("resident-1", 10)
    await leavers.give_to(*pair, 10)
    await leavers.seal()
    giver, receiver = [
        Leaver(leavers.here.community_id, leavers.number(name), await leavers.person_id(name))
        for name in pair
    ]

    async def unlink_receiver() -> None:
        async with leavers.sessionmaker.begin() as session:
            await unlink_batch(session, receiver, after=0, now=leavers.clock.now)

    async with leavers.sessionmaker.begin() as session:
        await unlink_batch(session, giver, after=0, now=leavers.clock.now)
        second = asyncio.create_task(unlink_receiver())
        await somebody_waits(leavers.sessionmaker)
    await second

    gift = (await leavers.all_lines())[-1]
    assert gift.is_as_sealed
    assert gift.opens() == {"checker"}
