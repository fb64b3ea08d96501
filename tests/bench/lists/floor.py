"""The floor: the same rows as posting a list writes, by bare statements of a thousand rows each.

Nothing is locked, evaluated or looked up, and nothing but numbers goes over the wire.
"""

import time
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.transactions import system_clock
from tests.bench.lists.stage import Town

BATCH = 1000
POINTS = 20
_EACH = "FROM generate_series(0::bigint, :rows - 1) AS k"
_STORE = f"""
    INSERT INTO award_list_rows (community_id, award_list_id, row_number, resident_id, rule_id,
        rule_version_id, units, acted_at, note)
    SELECT :community, 1, :number + k, :resident + k, :rule, :version, 1, :now, '参加周末大扫除'
    {_EACH}
"""
_POST = [
    f"""
    INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
        occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
        reason, recorded_by, checked_by, acted_at, created_at)
    SELECT :community, :contribution + k, 'award_list', 1, :resident + k, (:number + k)::text,
        :rule, :version, 'awarded', 1, :points, :points, '{{"name": "周末大扫除"}}',
        '参加周末大扫除', 11, 12, :now, :now
    {_EACH}
    """,
    f"""
    INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
        credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
        checker_id, occurred_at, posted_at, salt)
    SELECT :community, :contribution + k, :contribution + k, 'award', 1, :resident + k, :points,
        'contribution', :contribution + k, 0, '参加周末大扫除', :version, 11, 12, :now, :now,
        uuid_send(gen_random_uuid())
    {_EACH}
    """,
    f"""
    INSERT INTO seal_queue (community_id, transfer_id) SELECT :community, :contribution + k
    {_EACH}
    """,
    f"""
    INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at,
        expires_at)
    SELECT :community, :contribution + k, :resident + k, :contribution + k, :points, :points, :now,
        'infinity'
    {_EACH}
    """,
    *(
        f"""
        INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
        SELECT :community, '{period}', {start}, :resident + k, :points, :now {_EACH}
        ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
            SET score = standings.score + excluded.score, updated_at = excluded.updated_at
        """  # noqa: S608 - two words of our own
        for period, start in (
            ("all", "DATE '1970-01-01'"),
            ("month", "CAST(date_trunc('month', CAST(:now AS timestamptz)) AS date)"),
            ("week", "CAST(date_trunc('week', CAST(:now AS timestamptz)) AS date)"),
        )
    ),
    """
    UPDATE balances SET posted = posted + :points, lots_total = lots_total + :points
    WHERE community_id = :community AND account_id BETWEEN :resident AND :resident + :rows - 1
    """,
    """
    UPDATE award_list_rows SET contribution_id = :contribution + row_number - :number,
        granted_points = :points
    WHERE community_id = :community AND award_list_id = 1
        AND row_number BETWEEN :number AND :number + :rows - 1
    """,
]
_ADD_LIST = """
    INSERT INTO award_lists (community_id, award_list_id, title, file_hash, row_count,
        asked_points, state, proposed_by, proposed_at)
    VALUES (:community, 1, '', '', 1, 1, 'proposed', 11, :now)
"""

Maker = async_sessionmaker[AsyncSession]


async def run_floor(maker: Maker, town: Town, rows: int, *, start: int) -> dict[str, float]:
    """Store and post so many rows from a row number on; return the seconds of either."""
    now = system_clock() - timedelta(hours=2)
    if start == 0:
        async with maker.begin() as session:
            values = {"community": town.community_id, "now": now}
            await session.execute(text(_ADD_LIST), values)
    store = await _timed(maker, town, [_STORE], rows, start, now)
    post = await _timed(maker, town, _POST, rows, start, now)
    return {"floor_store_seconds": store, "floor_post_seconds": post}


async def _timed(
    maker: Maker, town: Town, statements: list[str], rows: int, start: int, now: datetime
) -> float:
    began = time.perf_counter()
    for offset in range(0, rows, BATCH):
        values = {
            "community": town.community_id,
            "rows": min(BATCH, rows - offset),
            "number": start + offset,
            "resident": town.people[offset].resident_id,
            "contribution": town.people[0].resident_id + 1_000_000 + start + offset,
            "rule": town.rule_id,
            "version": town.rule_version_id,
            "points": POINTS,
            "now": now,
        }
        async with maker.begin() as session:
            for statement in statements:
                known = {name: value for name, value in values.items() if f":{name}" in statement}
                await session.execute(text(statement), known)
    return time.perf_counter() - began
