"""SQL of standings: adding scores, counting places, pages of boards.

How many have more points than a score is read from counts of three levels (models.ScoreCount): the
slots above on the upper level, then those above within the slot one level down, twice. What waits
to be folded into the counts is added in the same statement, so that a rank is exact.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import MAX_SIZE

Rows = Sequence[dict[str, Any]]
NEIGHBOURS = 2

# Fragments that the award statement takes into its WITH clause. Rows come one per key, in key
# order, so that two batches never wait for each other in a circle. Who had no points was not
# counted, and leaves no score behind.
ADD_SCORES = """
    score_row AS MATERIALIZED (
        SELECT period, starts_on, resident_id, points
        FROM json_to_recordset(CAST(:scores AS json)) AS row(
            period text, starts_on date, resident_id bigint, points bigint)),
    standing AS (
        INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
        SELECT :community_id, period, starts_on, resident_id, points, :now
        FROM score_row
        ORDER BY period, starts_on, resident_id
        ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
            SET score = standings.score + excluded.score, updated_at = excluded.updated_at
        RETURNING period, starts_on, resident_id, score),
    score_change AS (
        INSERT INTO score_changes (community_id, period, starts_on, scores, at_least)
        SELECT :community_id, period, starts_on,
            array_agg(score ORDER BY score), array_agg(at_least ORDER BY score)
        FROM (
            SELECT period, starts_on, moved.score,
                CAST(sum(sum(moved.change)) OVER board AS bigint) AS at_least
            FROM standing JOIN score_row USING (period, starts_on, resident_id)
                CROSS JOIN LATERAL (VALUES (standing.score, 1), (standing.score - points, -1))
                    AS moved (score, change)
            WHERE moved.score > 0
            GROUP BY period, starts_on, moved.score
            HAVING sum(moved.change) <> 0
            WINDOW board AS (PARTITION BY period, starts_on ORDER BY moved.score DESC)) AS changed
        GROUP BY period, starts_on)
"""
_ADD_SCORES = f"WITH {ADD_SCORES} SELECT count(*) FROM standing"  # noqa: S608 - our own fragment

# One folder at a time, the oldest changes of a board first: then a count never falls below zero.
# Whoever finds the lock taken has nothing to do.
_FOLD = """
    WITH turn AS MATERIALIZED (
        SELECT pg_try_advisory_xact_lock(hashtextextended('fold score changes', 0)) AS is_ours),
    folded AS (
        DELETE FROM score_changes
        WHERE (SELECT is_ours FROM turn) AND ctid = ANY (ARRAY(
            SELECT ctid FROM score_changes
            ORDER BY community_id, period, starts_on, change_id LIMIT :size))
        RETURNING community_id, period, starts_on, scores, at_least),
    count AS (
        INSERT INTO score_counts (community_id, period, starts_on, level, slot, residents)
        SELECT community_id, period, starts_on, level, score >> 6 * level,
            sum(moved.at_least - coalesce(above, 0))
        FROM folded
            CROSS JOIN LATERAL unnest(scores, at_least, at_least[2:])
                AS moved (score, at_least, above)
            CROSS JOIN generate_series(0, 2) AS level
        GROUP BY community_id, period, starts_on, level, score >> 6 * level
        HAVING sum(moved.at_least - coalesce(above, 0)) <> 0
        ORDER BY community_id, period, starts_on, level, score >> 6 * level
        ON CONFLICT (community_id, period, starts_on, level, slot) DO UPDATE
            SET residents = score_counts.residents + excluded.residents)
    SELECT count(*) FROM folded
"""

_BOARD = "community_id = :community_id AND period = :period AND starts_on = :starts_on"

# Who stands before a score: those in the counts, then those by what waits.
_COUNTED_ABOVE = f"""
    (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE {_BOARD} AND level = 2 AND slot > point >> 12)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE {_BOARD} AND level = 1 AND slot > point >> 6 AND slot < ((point >> 12) + 1) << 6)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE {_BOARD} AND level = 0 AND slot > point AND slot < ((point >> 6) + 1) << 6)
"""  # noqa: S608 - fragments of this file
_WAITING_ABOVE = f"""
    (SELECT coalesce(sum(at_least[width_bucket(point, scores) + 1]), 0)
        FROM score_changes WHERE {_BOARD})
"""  # noqa: S608 - fragments of this file

# Without points nobody is on the board: they stand behind all who are.
_MINE = f"""
    mine AS MATERIALIZED (
        SELECT score, greatest(score, 0) AS point,
            CASE WHEN score > 0 THEN :resident_id ELSE {MAX_ID} END AS position
        FROM (
            SELECT coalesce((SELECT score FROM standings
                WHERE {_BOARD} AND resident_id = :resident_id), 0) AS score) AS stored)
"""  # noqa: S608 - fragments of this file

_GET_PLACE = f"""
    WITH {_MINE}
    SELECT score, CAST(1 + {_COUNTED_ABOVE} + {_WAITING_ABOVE} AS bigint) AS rank FROM mine
"""  # noqa: S608 - fragments of this file

_PLACE = text(_GET_PLACE)

# Before, a resident stood behind all who have more than they had, and not behind themselves. The
# upper levels are gone through once for all, and what waits is fetched once.
_GET_PLACES = f"""
    WITH mine AS MATERIALIZED (
        SELECT asked.resident_id, gained, coalesce(stored.score, 0) AS score,
            greatest(stored.score, 0) AS point, greatest(stored.score - gained, 0) AS point_before
        FROM unnest(CAST(:resident_ids AS bigint[]), CAST(:gained AS bigint[]))
                AS asked (resident_id, gained)
            LEFT JOIN LATERAL (
                SELECT score FROM standings
                WHERE {_BOARD} AND standings.resident_id = asked.resident_id
                OFFSET 0) AS stored ON true),
    asked AS MATERIALIZED (SELECT point FROM mine UNION SELECT point_before FROM mine),
    near AS MATERIALIZED (SELECT DISTINCT point >> 6 AS slot FROM asked),
    far AS MATERIALIZED (SELECT DISTINCT slot >> 6 AS slot FROM near),
    upper AS (
        SELECT slot << 6 AS slot, residents FROM score_counts
        WHERE {_BOARD} AND level = 2 AND slot <> ALL (ARRAY(SELECT slot FROM far))
        UNION ALL
        SELECT counted.slot, residents FROM far CROSS JOIN LATERAL (
            SELECT slot, residents FROM score_counts
            WHERE {_BOARD} AND level = 1 AND slot >= far.slot << 6 AND slot < (far.slot + 1) << 6
            OFFSET 0) AS counted
        UNION ALL
        SELECT slot, 0 FROM near),
    above AS MATERIALIZED (
        SELECT slot, sum(sum(residents)) OVER (ORDER BY slot DESC) - sum(residents) AS residents
        FROM upper GROUP BY slot),
    waiting AS MATERIALIZED (SELECT scores, at_least FROM score_changes WHERE {_BOARD}),
    ranked AS MATERIALIZED (
        SELECT point, CAST(1 + above.residents
            + (SELECT coalesce(sum(residents), 0) FROM score_counts
                WHERE {_BOARD} AND level = 0 AND slot > point AND slot < ((point >> 6) + 1) << 6)
            + (SELECT coalesce(sum(at_least[width_bucket(point, scores) + 1]), 0) FROM waiting)
            AS bigint) AS rank
        FROM asked JOIN above ON above.slot = point >> 6)
    SELECT resident_id, gained, score, now.rank,
        before.rank - CAST(mine.point > point_before AS integer) AS rank_before
    FROM mine
        JOIN ranked AS now ON now.point = mine.point
        JOIN ranked AS before ON before.point = point_before
"""  # noqa: S608 - fragments of this file

_PLACES = text(_GET_PLACES)

# Ranks of `line`, all of whom follow each other on the board: those of the first one's score, and
# for the others how many lines come before them. Equals of the first may stand before the page.
_RANKED = f"""
    first AS MATERIALIZED (
        SELECT point, CAST(1 + {_COUNTED_ABOVE} + {_WAITING_ABOVE} AS bigint) AS rank,
            (SELECT count(*) FROM line WHERE score = point) AS lines,
            coalesce((SELECT residents FROM score_counts
                WHERE {_BOARD} AND level = 0 AND slot = point), 0)
            + (SELECT coalesce(sum(coalesce(at_least[width_bucket(point - 1, scores) + 1], 0)
                    - coalesce(at_least[width_bucket(point, scores) + 1], 0)), 0)
                FROM score_changes WHERE {_BOARD}) AS equals
        FROM (SELECT max(score) AS point FROM line) AS best),
    ranked AS (
        SELECT line.*, CAST(CASE WHEN score = point THEN first.rank
            ELSE first.rank + equals - lines - 1 + rank() OVER (ORDER BY score DESC) END
            AS bigint) AS rank
        FROM line CROSS JOIN first)
"""  # noqa: S608 - fragments of this file
_NAMES = """
    JOIN residents ON residents.community_id = :community_id
        AND residents.resident_id = ranked.resident_id
    JOIN buildings ON buildings.community_id = :community_id
        AND buildings.building_id = residents.building_id
"""

# The longest page stands in the statement: not knowing how few lines are wanted, the planner would
# plan for a tenth of the board, and anew for each page.
_PAGE = f"""
    WITH line AS MATERIALIZED (
        SELECT * FROM (
            SELECT resident_id, score FROM standings
            WHERE {_BOARD} AND score > 0 AND (score, resident_id) < (:score, :resident_id)
            ORDER BY score DESC, resident_id DESC LIMIT {MAX_SIZE + 1}) AS follower
        LIMIT :size),
    {_RANKED}
    SELECT ranked.*, masked_name, buildings.name AS building_name
    FROM ranked {_NAMES}
    ORDER BY score DESC, resident_id DESC
"""  # noqa: S608 - fragments of this file

# Ahead, the scan has to begin at the row: PostgreSQL would begin it at "score > 0".
_AROUND = f"""
    WITH {_MINE},
    line AS MATERIALIZED (
        (SELECT resident_id, score, 1 AS side FROM standings
            WHERE {_BOARD}
                AND (score, resident_id) > ((SELECT point FROM mine), (SELECT position FROM mine))
            ORDER BY score, resident_id LIMIT {NEIGHBOURS})
        UNION ALL
        SELECT :resident_id, point, 0 FROM mine
        UNION ALL
        (SELECT resident_id, score, -1 FROM standings
            WHERE {_BOARD} AND score > 0
                AND (score, resident_id) < ((SELECT score FROM mine), :resident_id)
            ORDER BY score DESC, resident_id DESC LIMIT {NEIGHBOURS})),
    {_RANKED}
    SELECT ranked.resident_id, CASE WHEN side = 0 THEN mine.score ELSE ranked.score END AS score,
        rank, side, masked_name, buildings.name AS building_name,
        (SELECT score FROM standings
            WHERE {_BOARD} AND score > (SELECT point FROM mine) ORDER BY score LIMIT 1)
            AS next_score
    FROM mine CROSS JOIN ranked {_NAMES}
    ORDER BY side DESC, ranked.score DESC, ranked.resident_id DESC
"""  # noqa: S608 - fragments of this file

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
    await session.execute(text(_ADD_SCORES), values)


async def fold_changes(session: AsyncSession, *, size: int) -> int:
    """Add at most `size` rows of changes to the counts; return how many there were.

    None if somebody else is folding, whatever waits.
    """
    return int(await session.scalar(text(_FOLD), {"size": size}) or 0)


async def count_changes(session: AsyncSession) -> int:
    """Return how many rows of changes wait, of all communities."""
    return int(await session.scalar(text("SELECT count(*) FROM score_changes")) or 0)


async def get_place(session: AsyncSession, board: BoardKey, resident_id: int) -> Record:
    """Return score and rank."""
    values = {**board, "resident_id": resident_id}
    return (await session.execute(_PLACE, values)).one()


async def get_places(
    session: AsyncSession, board: BoardKey, gains: Sequence[tuple[int, int]]
) -> Sequence[Record]:
    """Return (resident_id, gained, score, rank, rank_before) of each who gained, in any order.

    `rank_before` is the rank with so many points less, all others as they are: never better, as
    long as nobody gained less than 0. Meant for some dozens, whom it ranks at little more than
    what one costs.
    """
    values = {
        **board,
        "resident_ids": [resident_id for resident_id, _ in gains],
        "gained": [gained for _, gained in gains],
    }
    return (await session.execute(_PLACES, values)).all()


async def list_below(
    session: AsyncSession, board: BoardKey, *, score: int, resident_id: int, size: int
) -> Sequence[Record]:
    """Return those who follow this score and resident with their ranks, best first."""
    values = {**board, "score": score, "resident_id": resident_id, "size": size}
    return (await session.execute(text(_PAGE), values)).all()


async def list_around(session: AsyncSession, board: BoardKey, resident_id: int) -> Sequence[Record]:
    """Return a resident and the NEIGHBOURS nearest on each side with their ranks, best first.

    `side` is 1 for those ahead, 0 for the resident, -1 for those behind. Every row tells
    `next_score`, the next one that is better than the resident's (none: null).
    """
    values = {**board, "resident_id": resident_id}
    return (await session.execute(text(_AROUND), values)).all()


async def list_buildings(session: AsyncSession, board: BoardKey) -> Sequence[Record]:
    """Return every building with its residents' sum, best first."""
    return (await session.execute(text(_LIST_BUILDINGS), dict(board))).all()
