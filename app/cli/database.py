"""The database that commands work on: the embedded one, started for them, or an outside one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
class DatabaseUrls:
    """Where the service and where the migrations connect."""

    service: str
    owner: str


@contextmanager
def running_database(settings: Settings) -> Iterator[DatabaseUrls]:
    """Yield the addresses; the embedded server runs until the block ends."""
    if settings.database_url is not None:
        owner = settings.owner_database_url or settings.database_url
        yield DatabaseUrls(settings.database_url, owner)
        return
    with EmbeddedPostgres(settings.data_dir) as address:
        yield urls_of(address)


def urls_of(address: ServerAddress) -> DatabaseUrls:
    return DatabaseUrls(address.url(APP_ROLE, DATABASE), address.url(OWNER_ROLE, DATABASE))


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
