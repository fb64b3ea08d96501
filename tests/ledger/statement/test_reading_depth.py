"""How much of a long statement is read."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import APP_ROLE, make_engine
from app.core.embedded.configuration import SUPERUSER
from app.core.ids import EPOCH, RANDOM_BITS
from tests.support.clock import Clock
from tests.support.database import DatabaseServer, analyze
from tests.support.neighbourhood import Neighbourhood

LINES = 5_000
LONG_STATEMENT = """
    INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
        credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
        posted_at, salt)
    SELECT :community, CAST(:newest AS bigint) - (n::bigint << 21) * 3600000 - place, n, 'award',
        CASE WHEN n % 2 = 0 THEN 1 ELSE account_id END,
        CASE WHEN n % 2 = 0 THEN account_id ELSE 3 END,
        2 - n % 2, 'test', n, place, '', 1, posted_at, posted_at, ''
    FROM unnest(CAST(:accounts AS bigint[])) WITH ORDINALITY AS wallet (account_id, place)
        CROSS JOIN generate_series(1, :lines) AS n
        CROSS JOIN LATERAL (
            SELECT CAST(:now AS timestamptz) - n * INTERVAL '1 hour' AS posted_at) AS its
"""
BALANCES = """
    UPDATE balances SET posted = 2500, lots_total = 2500
    WHERE community_id = :community AND account_id = ANY(:accounts)
"""


@pytest.fixture
async def connection(migrated: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """A connection that may become the superuser again, to gather statistics."""
    engine = make_engine(migrated.url(role=SUPERUSER), pool_size=1)
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()
    await engine.dispose()


@pytest.fixture
async def long(here: Neighbourhood, connection: AsyncConnection, clock: Clock) -> Neighbourhood:
    """Six residents with 5,000 lines each, one an hour."""
    values = {"community": here.community_id, "accounts": list(here.residents.values())}
    await connection.execute(
        text(LONG_STATEMENT),
        values | {"newest": number_at(clock.now), "lines": LINES, "now": clock.now},
    )
    await connection.execute(text(BALANCES), values)
    await connection.execute(text(f"SET ROLE {SUPERUSER}"))
    await analyze(connection)
    await connection.execute(text(f"SET ROLE {APP_ROLE}"))
    return here


def number_at(moment: datetime) -> int:
    """Return the lowest number of a moment; `new_id` may be ahead after another test."""
    return int((moment - EPOCH).total_seconds() * 1000) << RANDOM_BITS


async def lines_read(connection: AsyncConnection) -> int:
    rows = await connection.scalar(
        text(
            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = 'transfers'"
        )
    )
    return int(rows or 0)


@pytest.mark.parametrize("planning", ["force_custom_plan", "force_generic_plan"])
async def test_the_first_page_of_a_long_statement_reads_what_it_shows_and_little_more(
    long: Neighbourhood, connection: AsyncConnection, planning: str
) -> None:
    await connection.execute(text(f"SET plan_cache_mode = {planning}"))
    resident = await long.caller("resident-1")
    before = await lines_read(connection)

    page = (await resident.get("/v1/me/statement", size=20)).json()

    assert [line["balance_points"] for line in page["items"][:3]] == [2500, 2501, 2499]
    assert len(page["items"]) == 20
    assert await lines_read(connection) - before <= 50


async def test_months_read_no_line_that_is_older(
    long: Neighbourhood, connection: AsyncConnection
) -> None:
    resident = await long.caller("resident-1")
    before = await lines_read(connection)

    answer = await resident.get("/v1/me/statement/months", months=1)

    # 18 days of November, less the hours of the afternoon.
    assert answer.json()["items"][0]["in_points"] > 0
    assert 400 <= await lines_read(connection) - before <= 430
