"""No main request reads what others have in a table, however much that is."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.embedded.configuration import SUPERUSER
from tests.statements.case_requests import CASE_STATEMENTS, case_requests
from tests.statements.fair_play_requests import FAIR_PLAY_STATEMENTS, fair_play_requests
from tests.statements.others import GROWING, OTHERS
from tests.statements.requests import STATEMENTS, Request, main_requests
from tests.support.clock import Clock
from tests.support.database import analyze
from tests.support.neighbourhood import Neighbourhood
from tests.support.settled import Settled, Settlements

MANY = 5_000
FEW = 100
# A rank reads up to 64 counts of a level, and two ranks are read: now and before, or of two boards.
FEW_COUNTS = 2 * 3 * 64
# A share is of what everybody earned in a month. Few ask, and only of the staff.
READ_WHOLE = {"a claim with its signals": {"standings"}}


async def crowd(connection: AsyncConnection, here: Neighbourhood) -> None:
    """Add five thousand others to every table that grows, and let the planner know of them."""
    for statement in OTHERS:
        values = {"community": here.community_id, "many": MANY}
        await connection.execute(text(statement), values)
    await connection.execute(text(f"SET ROLE {SUPERUSER}"))
    for table in GROWING:
        # What is vacuumed may be read from an index alone, which is not counted.
        await connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    await analyze(connection)


@pytest.fixture
async def settled(settlements: Settlements) -> Settled:
    """The database in which the neighbourhood is large: filling it takes a second."""
    return await settlements.find(("",), furnish=crowd)


async def rows_read(connection: AsyncConnection) -> dict[str, int]:
    """Return how many rows this transaction has read of each table, by scan or by index."""
    rows = await connection.execute(
        text(
            "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows"
            " FROM pg_stat_xact_user_tables WHERE relname = ANY(:names)"
        ),
        {"names": list(GROWING)},
    )
    return {row.relname: row.rows for row in rows}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_main_request_reads_few_rows_of_a_large_community(
    name: str, here: Neighbourhood, clock: Clock, app: FastAPI, connection: AsyncConnection
) -> None:
    request = (await main_requests(here, clock, app))[name]

    assert await read_too_much(request, connection) == {}


@pytest.mark.parametrize("name", CASE_STATEMENTS)
async def test_a_request_about_hazards_reads_few_rows_of_a_large_community(
    name: str, here: Neighbourhood, clock: Clock, connection: AsyncConnection
) -> None:
    request = (await case_requests(here, clock))[name]

    assert await read_too_much(request, connection) == {}


@pytest.mark.parametrize("name", FAIR_PLAY_STATEMENTS)
async def test_a_request_of_fair_play_reads_few_rows_of_a_large_community(
    name: str, here: Neighbourhood, connection: AsyncConnection
) -> None:
    request = (await fair_play_requests(here))[name]

    read = await read_too_much(request, connection)
    assert set(read) <= READ_WHOLE.get(name, set())


async def read_too_much(request: Request, connection: AsyncConnection) -> dict[str, int]:
    """Send it; return of which tables it has read more than a few rows, and how many."""
    before = await rows_read(connection)

    answer = await request()

    assert answer.status_code in (200, 201), answer.text
    after = await rows_read(connection)
    assert set(after) == set(GROWING)
    read = {table: after[table] - before[table] for table in GROWING}
    return {
        table: rows
        for table, rows in read.items()
        if rows > (FEW_COUNTS if table == "score_counts" else FEW)
    }
