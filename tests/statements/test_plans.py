"""No main request reads what others have in a table, however much that is."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import APP_ROLE, make_engine
from app.core.embedded.configuration import SUPERUSER
from tests.statements.case_requests import CASE_STATEMENTS, case_requests
from tests.statements.others import GROWING, OTHERS
from tests.statements.requests import STATEMENTS, Request, main_requests
from tests.support.clock import Clock
from tests.support.database import DatabaseServer, analyze
from tests.support.neighbourhood import Neighbourhood

MANY = 5_000
FEW = 100


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
async def crowded(here: Neighbourhood, connection: AsyncConnection) -> Neighbourhood:
    """The neighbourhood with five thousand others in every table that grows."""
    for statement in OTHERS:
        values = {"community": here.community_id, "many": MANY}
        await connection.execute(text(statement), values)
    await connection.execute(text(f"SET ROLE {SUPERUSER}"))
    await analyze(connection)
    await connection.execute(text(f"SET ROLE {APP_ROLE}"))
    return here


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
    name: str, crowded: Neighbourhood, clock: Clock, app: FastAPI, connection: AsyncConnection
) -> None:
    request = (await main_requests(crowded, clock, app))[name]

    assert await read_too_much(request, connection) == {}


@pytest.mark.parametrize("name", CASE_STATEMENTS)
async def test_a_request_about_hazards_reads_few_rows_of_a_large_community(
    name: str, crowded: Neighbourhood, clock: Clock, connection: AsyncConnection
) -> None:
    request = (await case_requests(crowded, clock))[name]

    assert await read_too_much(request, connection) == {}


async def read_too_much(request: Request, connection: AsyncConnection) -> dict[str, int]:
    """Send it; return of which tables it has read more than a few rows, and how many."""
    before = await rows_read(connection)

    answer = await request()

    assert answer.status_code in (200, 201), answer.text
    after = await rows_read(connection)
    assert set(after) == set(GROWING)
    read = {table: after[table] - before[table] for table in GROWING}
    return {table: rows for table, rows in read.items() if rows > FEW}
