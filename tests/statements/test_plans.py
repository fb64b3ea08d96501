"""No main request reads what others have in a table, however much that is."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import APP_ROLE, make_engine
from app.core.embedded.configuration import SUPERUSER
from tests.statements.requests import STATEMENTS, main_requests
from tests.support.clock import Clock
from tests.support.database import DatabaseServer
from tests.support.neighbourhood import Neighbourhood

MANY = 5_000
FEW = 100
# Standings are left out: a rank is a count of those ahead until there is a histogram.
GROWING = (
    "contributions", "transfers", "lots", "balances",  "cap_usage", "holds",
    "hold_lots", "lot_moves", "vouchers", "idempotency_keys",
)  # fmt: skip

# Rows of others in the same community: residents 1001 and up, who are nobody here.
OTHERS = (
    """INSERT INTO contributions SELECT :community, n, 'activity', n % 50, 1000 + n, '', 1, 1,
        'awarded', 1, 1, 1, '{}', NULL, 1, now(), now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO transfers SELECT :community, n, n, 'award', 1, 1000 + n, 1, 'contribution', n,
        0, '', 1, NULL, 1, NULL, now(), now(), '' FROM generate_series(1, :many) AS n""",
    """INSERT INTO lots SELECT :community, n, 1000 + n, n, NULL, 1, 1, 0, now(), 'infinity'
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO balances (community_id, account_id, posted, lots_total)
        SELECT :community, 1000 + n, 1, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO cap_usage SELECT :community, 1, 1000 + n, 'day', current_date, 1, 1
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state,
        created_at, expires_at) SELECT :community, n, 1000 + n, 'redemption', '', 1, 'released',
        now(), now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO hold_lots SELECT :community, n, n, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO lot_moves SELECT :community, n, n, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO vouchers SELECT :community, n, 1, 1000 + n, n::text, 1, 'cancelled', now(),
        now(), NULL, NULL, now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO idempotency_keys SELECT :community, n, 'POST /', 'k', '', 200, '{}', now()
        FROM generate_series(1, :many) AS n""",
)  # fmt: skip


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
    await connection.execute(text("ANALYZE"))
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
    name: str, crowded: Neighbourhood, clock: Clock, connection: AsyncConnection
) -> None:
    request = (await main_requests(crowded, clock))[name]
    before = await rows_read(connection)

    answer = await request()

    assert answer.status_code in (200, 201), answer.text
    after = await rows_read(connection)
    assert set(after) == set(GROWING)
    read = {table: after[table] - before[table] for table in GROWING}
    assert {table: rows for table, rows in read.items() if rows > FEW} == {}
