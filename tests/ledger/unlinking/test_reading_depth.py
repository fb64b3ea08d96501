"""How much is read for a resident of few lines, and for those who are done, in a long book."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EPOCH, RANDOM_BITS
from tests.ledger.unlinking.leaving import Leavers
from tests.support.database import (
    DatabaseServer,
    gather_statistics,
    rows_read,
    superuser_connection,
)

LINES = 1_500
# As in any neighbourhood, most lines are of many others, a few each: were every sixth line of one
# account, reading the whole book for an account would be right.
OTHERS, OTHERS_LINES = 2_000, 5
# Sealed long ago, an hour apart, before anything else.
_LONG_BOOK = """
    WITH line AS (
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, maker_id, checker_id,
            occurred_at, posted_at, salt)
        SELECT :community_id, CAST(:newest AS bigint) - (n::bigint << 21) * 3600000 - place, n,
            'award', 1, account_id, 1, 'test', n, place, '', 1, 2, :now, :now, sha256('salt')
        FROM (SELECT account_id, place, n
            FROM unnest(CAST(:accounts AS bigint[])) WITH ORDINALITY AS wallet (account_id, place)
                CROSS JOIN generate_series(1, :lines) AS n
            UNION ALL
            SELECT 1000 + other, :others + other, n
            FROM generate_series(1, :others) AS other
                CROSS JOIN generate_series(1, :others_lines) AS n) AS line
        RETURNING transfer_id)
    INSERT INTO seals (community_id, leaf_index, transfer_id, leaf_hash)
    SELECT :community_id, row_number() OVER (ORDER BY transfer_id) - 1, transfer_id,
        sha256('leaf')
    FROM line
"""
_SEAL = """
    INSERT INTO seals (community_id, leaf_index, transfer_id, leaf_hash)
    SELECT community_id, :size + row_number() OVER (ORDER BY transfer_id), transfer_id,
        sha256('leaf')
    FROM transfers WHERE community_id = :community_id AND credit_account_id = :account
"""
_LEFT_LONG_AGO = """
    INSERT INTO salt_erasures (community_id, resident_id, person_id, asked_at, done_at)
    SELECT :community_id, resident_id, 1, :now, :now
    FROM unnest(CAST(:accounts AS bigint[])) AS resident_id
"""
READ = ("transfers", "seals", "unlinked_transfers")


@pytest.fixture
async def connection(migrated: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """A connection that may become the superuser again, to gather statistics."""
    async with superuser_connection(migrated) as connection:
        yield connection


@pytest.fixture
async def long(leavers: Leavers, connection: AsyncConnection) -> Leavers:
    """Five residents of 1,500 lines who left long ago, and a sixth with two lines."""
    now = leavers.clock.now
    long_ago = [leavers.number(f"resident-{number}") for number in range(1, 6)]
    values = {"community_id": leavers.here.community_id, "accounts": long_ago, "now": now}
    newest = int((now - EPOCH).total_seconds() * 1000 - 48 * 3_600_000) << RANDOM_BITS
    book = {"newest": newest, "lines": LINES, "others": OTHERS, "others_lines": OTHERS_LINES}
    await connection.execute(text(_LONG_BOOK), values | book)
    await connection.execute(text(_LEFT_LONG_AGO), values)
    for points in (3, 4):
        await leavers.give("resident-6", points)
    await connection.execute(
        text(_SEAL),
        {
            "community_id": leavers.here.community_id,
            "account": leavers.number("resident-6"),
            "size": 5 * LINES + OTHERS * OTHERS_LINES,
        },
    )
    await gather_statistics(connection)
    return leavers


@pytest.mark.parametrize("planning", ["force_custom_plan", "force_generic_plan"])
async def test_few_lines_among_many_are_unlinked_by_reading_few(
    long: Leavers, connection: AsyncConnection, planning: str
) -> None:
    await long.leave("resident-6")
    await connection.execute(text(f"SET plan_cache_mode = {planning}"))
    before = await rows_read(connection, *READ)
    assert await long.erase() == 2
    assert await rows_read(connection, *READ) - before <= 100


async def test_those_who_are_done_are_looked_at_again_by_reading_few(
    long: Leavers, connection: AsyncConnection
) -> None:
    before = await rows_read(connection, *READ)
    assert await long.erase() == 0
    assert await rows_read(connection, *READ) - before <= 10
