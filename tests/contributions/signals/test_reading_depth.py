"""What signals read of a community where thousands of others claim, review and check in."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from app.contributions.signals.service import list_signals
from tests.conftest import NOW
from tests.contributions.claims.desk import ClaimDesk
from tests.contributions.signals.watching import OVERVIEW, number_at
from tests.statements.test_statements import counted
from tests.support.database import DatabaseServer, gather_statistics, superuser_connection

OTHERS = 4_000
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)
PAGE = 20
# Of everybody's: reviews of 90 days are counted, photos of a year compared, and a month's points
# summed. Nothing else is read beyond the residents of the page.
TABLES = ("claims", "contributions", "transfers", "evidence_photos", "cases", "case_photos")
FEW = 25 * PAGE

_CROWD = (
    """INSERT INTO claims (community_id, claim_id, resident_id, rule_id, rule_version_id, units,
        mode, acted_at, note, shows_deed, state, review_level, claimed_by, claimed_at, decided_at,
        reason)
    SELECT :community, CAST(:first AS bigint) + n,
        1000 + n, 1, 1, 1, 'any', '2025-06-01', '', false, 'refused', 1,
        1, '2025-06-01', '2025-06-01', 'x' FROM generate_series(1, :others) AS n""",
    """INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, entered_by,
        reviewed_at)
    SELECT :community, CAST(:first AS bigint) + n,
        1 + n % 9, 'approve', 900, '2025-06-01'
    FROM generate_series(1, :others) AS n""",
    """INSERT INTO contributions (community_id, contribution_id, source_kind, source_id,
        resident_id, occasion, rule_id, rule_version_id, state, units, asked_points,
        granted_points, breakdown, recorded_by, acted_at, longitude, latitude, created_at)
    SELECT :community, CAST(:first AS bigint) + n,
        'activity', n % 50, 1000 + n, '', 1, 1, 'awarded', 1, 1, 1,
        '{}', 1, '2025-06-01', 121 + n % 90, 31, '2025-06-01'
    FROM generate_series(1, :others) AS n""",
    """INSERT INTO transfers SELECT :community, CAST(:first AS bigint) + n,
        n, 'award', 1, 1000 + n, 1,
        'contribution', n, 0, '', 1, NULL, 1, NULL, '2025-06-01', '2025-06-01', ''
    FROM generate_series(1, :others) AS n""",
    """INSERT INTO evidence_photos SELECT :community, n, n FROM generate_series(1, :others) AS n""",
)  # fmt: skip


@pytest.fixture
async def connection(migrated: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """A connection that may become the superuser again, to gather statistics."""
    async with superuser_connection(migrated) as connection:
        yield connection


async def rows_of(connection: AsyncConnection) -> dict[str, int]:
    statement = """
        SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows
        FROM pg_stat_xact_user_tables WHERE relname = ANY(:names)
    """
    rows = await connection.execute(text(statement), {"names": [*TABLES, "claim_reviews"]})
    return {row.relname: int(row.rows) for row in rows}


async def fill(desk: ClaimDesk, connection: AsyncConnection) -> list[int]:
    """Let four thousand others have been there last year; return a page of claims of today."""
    known = {"community": desk.community, "others": OTHERS, "first": number_at(LAST_YEAR)}
    for statement in _CROWD:
        values = {name: value for name, value in known.items() if f":{name}" in statement}
        await connection.execute(text(statement), values)
    claims = []
    for number in range(1, 6):
        name = f"resident-{number}"
        claims.append(await desk.claimed(
            name, "swept_stairs", photo_ids=[await desk.photo(name)]
        ))  # fmt: skip
    await gather_statistics(connection)
    return [int(claim_id) for claim_id in claims]


async def test_a_page_of_claims_costs_eight_statements_and_reads_no_table_whole(
    desk: ClaimDesk,
    connection: AsyncConnection,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    claims = await fill(desk, connection)
    costs = []
    before = await rows_of(connection)
    for wanted in (claims[:1], claims):
        async with sessionmaker() as session:
            with counted(connection.engine) as sent:
                found = await list_signals(session, desk.community, wanted, reviewer_id=1, now=NOW)
            assert set(found) == set(wanted)
            costs.append(len(sent))
    after = await rows_of(connection)
    assert costs == [8, 8]
    assert {table: after[table] - before.get(table, 0) for table in TABLES} == {
        table: pytest.approx(0, abs=FEW) for table in TABLES
    }
    assert after["claim_reviews"] - before.get("claim_reviews", 0) < FEW


async def test_the_overview_reads_the_last_days_only(
    desk: ClaimDesk, connection: AsyncConnection
) -> None:
    await fill(desk, connection)
    auditor = await desk.here.caller("auditor-1")
    before = await rows_of(connection)
    answer = await auditor.get(OVERVIEW)
    assert json.loads(answer.text) == {"pairs": [], "concentration": [], "distances": []}
    after = await rows_of(connection)
    read = {table: rows - before.get(table, 0) for table, rows in after.items()}
    assert {table: rows for table, rows in read.items() if rows > FEW} == {}
