"""When the database was away, no engine goes on with what it had open before."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.database import make_engine, renew_together
from tests.support.database import RACES, DatabaseServer

WHO = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(:pid)")


@pytest.fixture
async def engines(migrated: DatabaseServer) -> AsyncIterator[list[AsyncEngine]]:
    """One that writes and one that reads."""
    engines = [
        make_engine(migrated.url(RACES), pool_size=1, only_reads=only_reads)
        for only_reads in (False, True)
    ]
    yield engines
    for engine in engines:
        await engine.dispose()


async def connection_of(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(WHO) or 0)


async def end_connections(engines: list[AsyncEngine], server: DatabaseServer) -> None:
    """End what the engines have open, as a restart does."""
    other = make_engine(server.url(RACES), pool_size=1)
    async with other.connect() as connection:
        for engine in engines:
            await connection.execute(END, {"pid": await connection_of(engine)})
    await other.dispose()


@pytest.mark.parametrize("first", [0, 1], ids=["writing", "reading"])
async def test_what_one_engine_learns_the_other_need_not_learn_again(
    engines: list[AsyncEngine], migrated: DatabaseServer, first: int
) -> None:
    renew_together(*engines)
    await end_connections(engines, migrated)

    with pytest.raises(DBAPIError) as away:
        await connection_of(engines[first])

    assert away.value.connection_invalidated
    assert await connection_of(engines[1 - first])
    assert await connection_of(engines[first])


async def test_a_connection_is_kept_as_long_as_nothing_was_lost(
    engines: list[AsyncEngine],
) -> None:
    renew_together(*engines)
    before = [await connection_of(engine) for engine in engines]
    with pytest.raises(DBAPIError):
        async with engines[0].connect() as connection:
            await connection.execute(text("SELECT 1 / 0"))

    assert [await connection_of(engine) for engine in engines] == before
