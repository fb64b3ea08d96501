"""How much is read to find what waits to be sealed, however much of it or of the book there is."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.audit.service import measure
from app.ledger.seals import queries
from tests.support.clock import Clock
from tests.support.database import (
    DatabaseServer,
    gather_statistics,
    rows_read,
    superuser_connection,
)
from tests.support.neighbourhood import Neighbourhood

LINES = 4_000
_LONG_QUEUE = """
    WITH line AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, checker_id,
            occurred_at, posted_at, salt)
        SELECT :community_id, n, n, 'award', 1, 1000, 1, 'test', n, 1, '', 1, 2, :now, :now,
            sha256('salt')
        FROM generate_series(1, :lines) AS n
        RETURNING community_id, transfer_id)
    INSERT INTO seal_queue SELECT community_id, transfer_id FROM line
"""
# As after an update: a tree for everybody, and none of them counted yet.
_TREES = """
    INSERT INTO trees (community_id, origin, opened_at)
    SELECT community_id, 'origin', :now FROM unnest(CAST(:communities AS bigint[])) AS community_id
"""
_SEAL_MOST = "DELETE FROM seal_queue WHERE transfer_id < :lines"
READ = ("seal_queue", "transfers")


@pytest.fixture
async def connection(migrated: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """A connection that may become the superuser again, to gather statistics."""
    async with superuser_connection(migrated) as connection:
        yield connection


@pytest.fixture
async def queued(
    here: Neighbourhood, session: AsyncSession, connection: AsyncConnection, clock: Clock
) -> Neighbourhood:
    """4,000 transfers that wait in one community, and statistics that know of them."""
    values = {"community_id": here.community_id, "now": clock.now, "lines": LINES}
    await session.execute(text(_LONG_QUEUE), values)
    await gather_statistics(connection)
    return here


async def test_communities_that_wait_are_found_by_reading_few_of_what_waits(
    queued: Neighbourhood, session: AsyncSession, connection: AsyncConnection, clock: Clock
) -> None:
    communities = [queued.community_id + place for place in range(6)]
    await session.execute(text(_TREES), {"communities": communities, "now": clock.now})
    before = await rows_read(connection, *READ)
    assert await queries.list_waiting(session) == communities[:1]
    assert await rows_read(connection, *READ) - before <= 10


async def test_what_waits_longest_is_found_by_reading_few_of_what_is_sealed(
    queued: Neighbourhood, session: AsyncSession, connection: AsyncConnection, clock: Clock
) -> None:
    assert queued.community_id
    await session.execute(text(_SEAL_MOST), {"lines": LINES})
    before = await rows_read(connection, *READ)
    figures = await measure(session, now=clock.advance(seconds=20))
    assert await rows_read(connection, *READ) - before <= 10
    assert {figure.name: figure.value for figure in figures}["gridpoints_seal_lag_seconds"] == 20
