"""The database that commands work on: the embedded one, started for them, or an outside one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.database import APP_ROLE, make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgres, ServerAddress

OWNER_ROLE = "gridpoints_owner"
DATABASE = "gridpoints"
ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RunningDatabase:
    """Where the service and where the migrations connect; `server` if it is ours to watch."""

    service: str
    owner: str
    server: EmbeddedPostgres | None = None


@contextmanager
def running_database(settings: Settings) -> Iterator[RunningDatabase]:
    """Yield the database; the embedded server runs until the block ends."""
    if settings.database_url is not None:
        owner = settings.owner_database_url or settings.database_url
        yield RunningDatabase(settings.database_url, owner)
        return
    server = EmbeddedPostgres(settings.data_dir)
    with server as address:
        yield replace(urls_of(address), server=server)


def urls_of(address: ServerAddress) -> RunningDatabase:
    return RunningDatabase(address.url(APP_ROLE, DATABASE), address.url(OWNER_ROLE, DATABASE))


def migrate(owner_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision; one runner at a time."""
    asyncio.run(migrate_async(owner_url, revision))


async def migrate_async(owner_url: str, revision: str) -> None:
    engine = make_engine(owner_url, pool_size=1, role=None)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade, revision)
    finally:
        await engine.dispose()


def upgrade(connection: Connection, revision: str) -> None:
    """Run Alembic over an open connection."""
    config = Config(str(ALEMBIC_INI))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def in_transaction(service_url: str, work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Run one transaction as the service and return what it made."""

    async def run() -> Result:
        engine = make_engine(service_url, pool_size=1)
        try:
            async with make_sessionmaker(engine).begin() as session:
                return await work(session)
        finally:
            await engine.dispose()

    return asyncio.run(run())
