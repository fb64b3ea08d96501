"""SQL of standings: adding scores, counting places, pages of boards."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

Rows = Sequence[dict[str, Any]]

# A fragment that the award statement takes into its WITH clause. Rows come one per key, in key
# order, so that two batches never wait for each other in a circle.
ADD_SCORES = """
    INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
    SELECT :community_id, period, starts_on, resident_id, points, :now
    FROM json_to_recordset(CAST(:scores AS json)) AS row(
        period text, starts_on date, resident_id bigint, points bigint)
    ORDER BY period, starts_on, resident_id
    ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
        SET score = standings.score + excluded.score, updated_at = excluded.updated_at
"""

_GET_PLACE = """
    WITH mine AS (
        SELECT coalesce((SELECT score FROM standings
            WHERE community_id = :community_id AND period = :period AND starts_on = :starts_on
                AND resident_id = :resident_id), 0) AS score)
    SELECT score,
        1 + (SELECT count(*) FROM standings AS above
            WHERE community_id = :community_id AND period = :period AND starts_on = :starts_on
                AND above.score > mine.score) AS rank,
        1 + (SELECT count(*) FROM standings AS above
            WHERE community_id = :community_id AND period = :period AND starts_on = :starts_on
                AND above.score > mine.score - :gained
                AND resident_id <> :resident_id) AS rank_before
    FROM mine
"""

_PAGE = """
    SELECT standings.resident_id, score, masked_name, buildings.name AS building_name
    FROM standings
        JOIN residents USING (community_id, resident_id)
        JOIN buildings USING (community_id, building_id)
    WHERE standings.community_id = :community_id AND period = :period AND starts_on = :starts_on
        AND score > 0 AND (score, standings.resident_id) {comparison} (:score, :resident_id)
    ORDER BY score {order}, standings.resident_id {order}
    LIMIT :size
"""
_PAGE_BELOW = _PAGE.format(comparison="<", order="DESC")
_PAGE_ABOVE = _PAGE.format(comparison=">", order="ASC")

_COUNT_AHEAD = """
    SELECT count(*) FILTER (WHERE score > :score) AS better, count(*) AS ahead FROM standings
    WHERE community_id = :community_id AND period = :period AND starts_on = :starts_on
        AND (score, resident_id) > (:score, :resident_id)
"""

_LIST_BUILDINGS = """
    SELECT building_id, name, coalesce(sum(score), 0)::bigint AS score,
        count(standings.resident_id) AS active_residents
    FROM buildings
        LEFT JOIN residents USING (community_id, building_id)
        LEFT JOIN standings ON standings.community_id = buildings.community_id
            AND standings.resident_id = residents.resident_id
            AND period = :period AND starts_on = :starts_on AND score > 0
    WHERE buildings.community_id = :community_id
    GROUP BY building_id, name
    ORDER BY score DESC, name
"""


class BoardKey(dict[str, Any]):
    """Which board: community, period and the period's first day, as bind values."""

    def __init__(self, community_id: int, period: str, starts_on: date) -> None:
        super().__init__(community_id=community_id, period=period, starts_on=starts_on)


async def add_scores(
    session: AsyncSession, community_id: int, scores: Rows, *, now: datetime
) -> None:
    """Add to scores, one row per {period, starts_on, resident_id} with its points."""
    values = {"community_id": community_id, "scores": json.dumps(scores), "now": now}
    await session.execute(text(ADD_SCORES), values)


async def get_place(
    session: AsyncSession, board: BoardKey, resident_id: int, *, gained: int = 0
) -> Record:
    """Return score, rank, and the rank with `gained` points less."""
    values = {**board, "resident_id": resident_id, "gained": gained}
    return (await session.execute(text(_GET_PLACE), values)).one()


async def list_below(
    session: AsyncSession, board: BoardKey, *, score: int, resident_id: int, size: int
) -> Sequence[Record]:
    """Return those who follow this score and resident, best first."""
    values = {**board, "score": score, "resident_id": resident_id, "size": size}
    return (await session.execute(text(_PAGE_BELOW), values)).all()


async def list_above(
    session: AsyncSession, board: BoardKey, *, score: int, resident_id: int, size: int
) -> Sequence[Record]:
    """Return those just ahead of this score and resident, nearest first."""
    values = {**board, "score": score, "resident_id": resident_id, "size": size}
    return (await session.execute(text(_PAGE_ABOVE), values)).all()


async def count_ahead(
    session: AsyncSession, board: BoardKey, *, score: int, resident_id: int
) -> tuple[int, int]:
    """Return how many have more points, and how many stand before this row on the board."""
    values = {**board, "score": score, "resident_id": resident_id}
    row = (await session.execute(text(_COUNT_AHEAD), values)).one()
    return row.better, row.ahead


async def list_buildings(session: AsyncSession, board: BoardKey) -> Sequence[Record]:
    """Return every building with its residents' sum, best first."""
    return (await session.execute(text(_LIST_BUILDINGS), dict(board))).all()
