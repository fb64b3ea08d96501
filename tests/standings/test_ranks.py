"""A rank is exact: what a plain count would say, whatever waits to be folded."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.standings import queries
from app.standings.queries import BoardKey

Sessions = async_sessionmaker[AsyncSession]

COMMUNITY = 1
NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
MONTH = BoardKey(COMMUNITY, "month", date(2026, 11, 1))
# Around the borders of slots on every level, and far out.
BORDERS = (1, 2, 62, 63, 64, 65, 127, 128, 4094, 4095, 4096, 4097, 8192, 200_000, 262_143, 262_144)
HUGE = (2**31 - 1, 2**31, 2**45)
COUNT = """
    SELECT 1 + count(*) FROM standings WHERE community_id = :community_id AND period = :period
        AND starts_on = :starts_on AND resident_id <> :resident_id AND score > :score
"""
SCORES = """
    SELECT resident_id, score FROM standings WHERE community_id = :community_id
        AND period = :period AND starts_on = :starts_on
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resident stands by a plain count."""

    score: int
    rank: int
    rank_before: int


async def earn(session: AsyncSession, points: Mapping[int, int], board: BoardKey = MONTH) -> None:
    """Let residents earn (or lose) so many points each, in one batch."""
    rows = [
        {
            "period": board["period"],
            "starts_on": board["starts_on"].isoformat(),
            "resident_id": resident_id,
            "points": gained,
        }
        for resident_id, gained in sorted(points.items())
    ]
    await queries.add_scores(session, board["community_id"], rows, now=NOW)


async def scores_of(session: AsyncSession) -> dict[int, int]:
    return {row.resident_id: row.score for row in await session.execute(text(SCORES), MONTH)}


async def count_place(
    session: AsyncSession, resident_id: int, gained: int = 0, board: BoardKey = MONTH
) -> Place:
    """Count everybody else who has more; who has no points shares the last place."""
    score = (await scores_of(session)).get(resident_id, 0)
    ranks = [
        await session.scalar(
            text(COUNT), {**board, "resident_id": resident_id, "score": max(points, 0)}
        )
        for points in (score, score - gained)
    ]
    return Place(score, *(int(rank or 0) for rank in ranks))


async def read_place(session: AsyncSession, resident_id: int, gained: int = 0) -> Place:
    if gained:
        return (await read_places(session, {resident_id: gained}))[resident_id]
    place = await queries.get_place(session, MONTH, resident_id)
    return Place(place.score, place.rank, place.rank)


async def read_places(session: AsyncSession, gains: Mapping[int, int]) -> dict[int, Place]:
    rows = await queries.get_places(session, MONTH, list(gains.items()))
    assert len(rows) == len(gains)
    return {row.resident_id: Place(row.score, row.rank, row.rank_before) for row in rows}


async def assert_exact(session: AsyncSession, gains: Mapping[int, int]) -> None:
    """Compare the places of these with plain counts, read one by one and together."""
    counted = {one: await count_place(session, one, gained) for one, gained in gains.items()}
    assert await read_places(session, gains) == counted
    for resident_id, place in counted.items():
        assert await read_place(session, resident_id) == Place(place.score, place.rank, place.rank)


async def fold_all(session: AsyncSession) -> int:
    """Fold everything that waits, a row at a time; return how many there were."""
    folded = 0
    while await queries.fold_changes(session, size=1):
        folded += 1
    return folded


@pytest.mark.parametrize("seed", range(6))
async def test_a_rank_is_what_a_count_says_whatever_happened_and_waits(
    sessionmaker: Sessions, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    residents = range(1, 41)
    async with sessionmaker.begin() as session:
        for _ in range(12):
            batch = {
                one: chance.choice((*BORDERS, -1, -30, -64, -5_000, 10, 10, 10, 0))
                for one in chance.sample(residents, 16)
            }
            await earn(session, batch)
            await queries.fold_changes(session, size=chance.choice((1, 1, 2, 500)))
            gains = {one: max(0, batch.get(one, 0)) for one in chance.sample(residents, 8)}
            # Also who is not on the board at all, and who has gained more than they have.
            await assert_exact(session, gains | {999: 0, 1000: 30, 1: 300_000})
        waiting = await session.scalar(text("SELECT count(*) FROM score_changes"))
        assert waiting == await fold_all(session)
        await assert_exact(session, dict.fromkeys(residents, 7))


@pytest.mark.parametrize("border", [*BORDERS, *HUGE])
async def test_a_rank_is_exact_on_both_sides_of_a_border(
    sessionmaker: Sessions, border: int
) -> None:
    around = {2 + step: border + step for step in (-1, 0, 1)} | {9: 2 * border, 10: 1}
    async with sessionmaker.begin() as session:
        await earn(session, around)
        gains = dict.fromkeys(around, 1)
        await assert_exact(session, gains)
        await fold_all(session)
        await assert_exact(session, gains)
        await earn(session, {1: 1, 2: -1, 3: 1})
        await assert_exact(session, gains)


async def test_at_the_months_start_everybody_stands_at_zero_and_is_first(
    sessionmaker: Sessions,
) -> None:
    async with sessionmaker.begin() as session:
        assert await read_place(session, 7) == Place(0, 1, 1)
        assert await read_places(session, {7: 0, 8: 20}) == {
            7: Place(0, 1, 1), 8: Place(0, 1, 1),
        }  # fmt: skip
        crowd = dict.fromkeys(range(1, 301), 10)
        await earn(session, crowd)
        assert await read_place(session, 7, 10) == Place(10, 1, 300)
        assert await read_place(session, 999) == Place(0, 301, 301)
        assert await session.scalar(text("SELECT count(*) FROM score_changes")) == 1
        await fold_all(session)
        assert await read_place(session, 7, 10) == Place(10, 1, 300)


async def test_the_first_of_a_board_goes_from_the_last_place_to_the_first(
    sessionmaker: Sessions,
) -> None:
    async with sessionmaker.begin() as session:
        await earn(session, {1: 20})
        assert await read_place(session, 1, 20) == Place(20, 1, 1)
        await earn(session, {2: 30})
        assert await read_place(session, 2, 30) == Place(30, 1, 2)
        assert await read_place(session, 1) == Place(20, 2, 2)


async def test_who_has_no_points_or_less_shares_the_last_place(sessionmaker: Sessions) -> None:
    async with sessionmaker.begin() as session:
        await earn(session, {1: 20, 2: 5, 3: -5, 4: 0})
        await earn(session, {2: -9})
        for _ in range(2):
            assert await read_place(session, 2) == Place(-4, 2, 2)
            assert await read_place(session, 3) == Place(-5, 2, 2)
            assert await read_place(session, 4) == Place(0, 2, 2)
            await fold_all(session)


async def test_boards_are_counted_each_for_itself(sessionmaker: Sessions) -> None:
    others = [
        BoardKey(COMMUNITY + 1, "month", MONTH["starts_on"]),
        BoardKey(COMMUNITY, "week", MONTH["starts_on"]),
        BoardKey(COMMUNITY, "month", date(2026, 10, 1)),
    ]
    async with sessionmaker.begin() as session:
        await earn(session, {1: 20})
        for number, other in enumerate(others):
            await earn(session, dict.fromkeys(range(2, 4 + number), 50), other)
        for _ in range(2):
            assert await read_place(session, 1) == Place(20, 1, 1)
            assert await read_places(session, {1: 20}) == {1: Place(20, 1, 1)}
            for number, other in enumerate(others):
                place = await queries.get_place(session, other, 1)
                assert (place.score, place.rank) == (0, 3 + number)
            await fold_all(session)


async def test_what_changes_nothing_leaves_nothing_to_fold(sessionmaker: Sessions) -> None:
    async with sessionmaker.begin() as session:
        await earn(session, {1: 0, 2: -3})
        await earn(session, {})
        assert await session.scalar(text("SELECT count(*) FROM score_changes")) == 0
        # They change places: as many as before stand at each score.
        await earn(session, {1: 10, 2: 23})
        await earn(session, {1: 10, 2: -10})
        assert await session.scalar(text("SELECT count(*) FROM score_changes")) == 1
        await assert_exact(session, {1: 10, 2: 0})
