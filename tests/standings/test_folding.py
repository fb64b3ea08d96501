"""Folding: nothing is lost or counted twice, whoever folds, and ranks are exact all the while."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.boards.queries import COUNTS_FOLLOW_SCORES
from app.standings import folding, queries
from app.standings.folding import fold, keep_folding
from tests.standings.test_ranks import (
    COMMUNITY,
    Place,
    assert_exact,
    count_place,
    earn,
    fold_all,
    read_place,
    read_places,
)

Sessions = async_sessionmaker[AsyncSession]

MISCOUNTED = """
    SELECT level, slot FROM (
        SELECT CAST(level AS integer) AS level, slot, residents FROM score_counts
        UNION ALL
        SELECT level, score >> 6 * level, -1
        FROM standings CROSS JOIN generate_series(0, 2) AS level
        WHERE score > 0) AS either
    GROUP BY level, slot HAVING sum(residents) <> 0
"""
WAITING = "SELECT count(*) FROM score_changes"
RESIDENTS = range(1, 31)


async def count_waiting(sessions: Sessions) -> int:
    async with sessions() as session:
        return int(await session.scalar(text(WAITING)) or 0)


async def assert_counted(sessions: Sessions) -> None:
    """All has been folded, and every slot of every level has its residents."""
    async with sessions() as session:
        assert await session.scalar(text(WAITING)) == 0
        assert (await session.execute(text(MISCOUNTED))).all() == []
        assert await session.scalar(text("SELECT sum(residents) FROM score_counts")) != 0


async def earn_often(sessions: Sessions, seed: int, times: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(times):
        points = chance.choice((1, 10, 63, 64, 5_000, -20))
        batch = dict.fromkeys(chance.sample(RESIDENTS, 9), points)
        async with sessions.begin() as session:
            await earn(session, batch)


async def fold_often(sessions: Sessions, until: asyncio.Event) -> int:
    folded = 0
    while not until.is_set():
        async with sessions.begin() as session:
            folded += await queries.fold_changes(session, size=2)
    return folded


async def read_often(sessions: Sessions, until: asyncio.Event) -> int:
    """Compare ranks with counts of the same snapshot, over and over."""
    seen: set[int] = set()
    while not until.is_set():
        async with sessions() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            places = await read_places(session, {1: 10, 2: 0, 30: 64})
            for one, gained in ((1, 10), (2, 0), (30, 64)):
                counted = await count_place(session, one, gained)
                assert places[one] == counted
                alone = await read_place(session, one)
                assert (alone.score, alone.rank) == (counted.score, counted.rank)
            seen.add(places[1].score)
    return len(seen)


async def test_every_rank_is_exact_while_many_earn_and_two_fold(
    race_sessionmaker: Sessions,
) -> None:
    done = asyncio.Event()
    folders = [asyncio.create_task(fold_often(race_sessionmaker, done)) for _ in range(2)]
    readers = [asyncio.create_task(read_often(race_sessionmaker, done)) for _ in range(2)]
    try:
        await asyncio.gather(*(earn_often(race_sessionmaker, seed, 25) for seed in range(3)))
    finally:
        done.set()
    folded = sum(await asyncio.gather(*folders))
    scores_seen = await asyncio.gather(*readers)
    assert min(scores_seen) > 1
    async with race_sessionmaker.begin() as session:
        folded += await fold_all(session)
    assert 0 < folded <= 75
    await assert_counted(race_sessionmaker)


async def audit_often(sessions: Sessions, until: asyncio.Event) -> int:
    """Audit the boards over and over; return how many moments of them were seen."""
    everything = {
        "community_id": COMMUNITY,
        "after_period": "", "after_starts_on": "-infinity",
        "until_period": "z", "until_starts_on": "infinity",
    }  # fmt: skip
    seen: set[int] = set()
    while not until.is_set():
        async with sessions() as session:
            wrong = await session.execute(text(COUNTS_FOLLOW_SCORES), everything)
            assert wrong.all() == []
            seen.add(await session.scalar(text("SELECT coalesce(sum(score), 0) FROM standings")))
    return len(seen)


async def test_the_audit_finds_nothing_wrong_while_many_earn_and_two_fold(
    race_sessionmaker: Sessions,
) -> None:
    done = asyncio.Event()
    folders = [asyncio.create_task(fold_often(race_sessionmaker, done)) for _ in range(2)]
    auditor = asyncio.create_task(audit_often(race_sessionmaker, done))
    try:
        await asyncio.gather(*(earn_often(race_sessionmaker, seed, 25) for seed in range(3)))
    finally:
        done.set()
    assert sum(await asyncio.gather(*folders)) > 0
    assert await auditor > 1


async def test_who_comes_second_folds_nothing_and_does_not_wait(
    race_sessionmaker: Sessions,
) -> None:
    await earn_often(race_sessionmaker, seed=1, times=5)
    async with race_sessionmaker() as first, race_sessionmaker() as second:
        assert await fold(first) == 5
        assert await fold(second) == 0
        await assert_exact(second, {1: 10, 2: 0})
        await first.commit()
    await assert_counted(race_sessionmaker)


async def test_what_a_folder_did_not_finish_waits_as_before(race_sessionmaker: Sessions) -> None:
    await earn_often(race_sessionmaker, seed=2, times=5)
    async with race_sessionmaker() as session:
        assert await fold(session) == 5
        await session.rollback()
    assert await count_waiting(race_sessionmaker) == 5
    async with race_sessionmaker.begin() as session:
        await assert_exact(session, {1: 10, 2: 0})
        assert await fold(session) == 5
    await assert_counted(race_sessionmaker)


async def test_who_folds_at_the_same_moment_folds_everything_once(
    race_sessionmaker: Sessions,
) -> None:
    await earn_often(race_sessionmaker, seed=3, times=12)

    async def fold_once() -> int:
        async with race_sessionmaker.begin() as session:
            return await queries.fold_changes(session, size=5)

    folded = 0
    while await count_waiting(race_sessionmaker):
        folded += sum(await asyncio.gather(*(fold_once() for _ in range(4))))
    assert folded == 12
    await assert_counted(race_sessionmaker)


async def test_the_oldest_are_folded_first_so_that_no_count_falls_below_zero(
    sessionmaker: Sessions,
) -> None:
    async with sessionmaker.begin() as session:
        for step in range(6):
            await earn(session, {1: 10 * step, 2: 64, 3: 4096})
        while await queries.fold_changes(session, size=1):
            fewest = await session.scalar(text("SELECT min(residents) FROM score_counts"))
            assert fewest is not None
            assert fewest >= 0
    await assert_counted(sessionmaker)


async def test_there_may_be_nothing_to_fold(sessionmaker: Sessions) -> None:
    async with sessionmaker.begin() as session:
        assert await fold(session) == 0
        await earn(session, {1: 10})
        assert await fold(session) == 1
        assert await fold(session) == 0
        assert await read_place(session, 1) == Place(10, 1, 1)


async def test_a_batch_of_hundreds_waits_as_one_row_for_each_board(sessionmaker: Sessions) -> None:
    crowd = {one: one * 37 for one in range(1, 1_500)}
    async with sessionmaker.begin() as session:
        await earn(session, crowd)
        assert await session.scalar(text(WAITING)) == 1
        await assert_exact(session, {1: 37, 700: 37, 1_499: 100_000})
        assert await fold(session) == 1
        await assert_exact(session, {1: 37, 700: 37, 1_499: 100_000})
    await assert_counted(sessionmaker)


async def until_folded(sessions: Sessions) -> None:
    async with asyncio.timeout(30):
        while await count_waiting(sessions):
            pass


@asynccontextmanager
async def folded_beside(sessions: Sessions) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_folding(sessions, every=0.001))
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_comes_in_is_folded_beside_the_requests(
    race_sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "FOLDED_AT_ONCE", 2)
    async with folded_beside(race_sessionmaker):
        for seed in range(2):
            await earn_often(race_sessionmaker, seed, times=7)
            await until_folded(race_sessionmaker)
    await assert_counted(race_sessionmaker)


async def test_what_is_too_much_at_once_is_folded_in_smaller_parts(
    race_sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    statement = queries._FOLD  # noqa: SLF001 - made to fail, as by the statement timeout

    async def fold_a_little(session: AsyncSession, *, size: int) -> int:
        sizes.append(size)
        if size > 2:
            await session.execute(text("SELECT 1 / 0"))
        return int(await session.scalar(text(statement), {"size": size}) or 0)

    await earn_often(race_sessionmaker, seed=5, times=5)
    monkeypatch.setattr(queries, "fold_changes", fold_a_little)
    monkeypatch.setattr(folding, "FOLDED_AT_ONCE", 8)
    async with folded_beside(race_sessionmaker):
        await until_folded(race_sessionmaker)
    assert sizes[:5] == [8, 4, 2, 4, 2]
    await assert_counted(race_sessionmaker)


async def test_a_database_that_was_away_is_folded_when_it_is_back(
    race_sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[bool] = []
    statement = queries._FOLD  # noqa: SLF001 - made to fail, as a lost database would

    async def fold_at_last(session: AsyncSession, *, size: int) -> int:
        attempts.append(len(attempts) < 3)
        if attempts[-1]:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return int(await session.scalar(text(statement), {"size": size}) or 0)

    await earn_often(race_sessionmaker, seed=4, times=3)
    monkeypatch.setattr(queries, "fold_changes", fold_at_last)
    async with folded_beside(race_sessionmaker):
        await until_folded(race_sessionmaker)
    assert attempts[:4] == [True, True, True, False]
    await assert_counted(race_sessionmaker)
