"""The database that commands work on: the embedded one, started for them, or an outside one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.cli import queries
from app.cli.sealing import seal_names
from app.core.config import Settings
from app.core.database import APP_ROLE, make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgres, ServerAddress
from app.core.personal import Vault
from app.core.sealing import MasterKeyUnusable, master_key_of

NEWEST = "head"
# The schema that has both plain and sealed names; the next has none but sealed ones.
NAMES_TO_BE_SEALED = "0003"
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


def vault_of(settings: Settings) -> Vault:
    return Vault(master_key_of(settings))


def has_shared_key(settings: Settings) -> bool:
    """Tell whether what is sealed here opens in the processes that will serve it."""
    return settings.is_embedded or settings.master_key is not None


def migrate(owner_url: str, revision: str = NEWEST, *, vault: Vault | None = None) -> None:
    """Bring the schema to a revision; one runner at a time.

    On the way to the newest the vault seals names that an older release wrote in the clear;
    without a vault they raise MasterKeyUnusable, and nothing has changed.
    """
    asyncio.run(migrate_async(owner_url, revision, vault=vault))


async def migrate_async(owner_url: str, revision: str, *, vault: Vault | None = None) -> None:
    engine = make_engine(owner_url, pool_size=1, role=None)
    try:
        async with engine.connect() as connection:
            # Held over the steps together, or a second runner would drop what the first reads.
            await queries.lock_migrations(connection)
            if revision == NEWEST:
                await _seal_names(connection, vault)
            await connection.run_sync(upgrade, revision)
    finally:
        await engine.dispose()


async def _seal_names(connection: AsyncConnection, vault: Vault | None) -> None:
    has_plain_names = await queries.has_plain_names(connection)
    await connection.rollback()
    if not has_plain_names:
        return
    if vault is None:
        raise MasterKeyUnusable(
            "There are names to seal: set GRIDPOINTS_MASTER_KEY, the one that `serve` has."
        )
    await connection.run_sync(upgrade, NAMES_TO_BE_SEALED)
    await seal_names(connection, vault)


def upgrade(connection: Connection, revision: str) -> None:
    """Run Alembic over an open connection."""
    # Most commands migrate nothing, and need not wait until it is loaded.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(str(ALEMBIC_INI))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def in_transaction(
    database_url: str,
    work: Callable[[AsyncSession], Awaitable[Result]],
    *,
    role: str | None = APP_ROLE,
) -> Result:
    """Run one transaction, as the service unless told otherwise, and return what it made."""

    async def run() -> Result:
        engine = make_engine(database_url, pool_size=1, role=role)
        try:
            async with make_sessionmaker(engine).begin() as session:
                return await work(session)
        finally:
            await engine.dispose()

    return asyncio.run(run())
