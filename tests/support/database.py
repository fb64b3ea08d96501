"""The tests' PostgreSQL: the embedded server without durability, migrated by Alembic once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.cli.database import DATABASE, OWNER_ROLE
from app.core.database import APP_ROLE, make_engine
from app.core.embedded import EmbeddedPostgres, ServerAddress
from app.core.embedded.configuration import SUPERUSER

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# Races commit for real; they get a copy of the migrated database to themselves.
RACES = "races"
# What further copies are made of; nobody connects to it.
UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A running server with both databases' addresses."""

    address: ServerAddress

    def url(self, database: str = DATABASE, role: str = APP_ROLE) -> str:
        return self.address.url(role, database)

    @property
    def owner_url(self) -> str:
        return self.address.url(OWNER_ROLE, DATABASE)

    async def copy(self, database: str) -> None:
        """Make a database that equals the migrated one as it stands now."""
        await self.create(database, template=DATABASE)

    async def create(self, database: str, *, template: str = "template1") -> None:
        """Make a database, empty unless a template says otherwise."""
        engine = make_engine(self.address.url("postgres", "postgres"), pool_size=1, role=None)
        async with engine.connect() as connection:
            outside_transactions = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await outside_transactions.execute(
                text(f"CREATE DATABASE {database} TEMPLATE {template} OWNER {OWNER_ROLE}")
            )
        await engine.dispose()


def remembering(url: str) -> str:
    """Let connections prepare a statement once, however many others a run sends between."""
    remembering = make_url(url).update_query_dict({"prepared_statement_cache_size": "1000"})
    return remembering.render_as_string(hide_password=False)


@contextmanager
def running_server(folder: Path) -> Iterator[DatabaseServer]:
    """Run a server in a folder, on the memory disk if there is one."""
    with EmbeddedPostgres(folder, settings=FAST) as address:
        yield DatabaseServer(address)


async def analyze(connection: AsyncConnection) -> None:
    """Let the planner learn what is there; what other tests left dead takes time to walk past."""
    await connection.execute(text("SET LOCAL statement_timeout = '2min'"))
    await connection.execute(text("ANALYZE"))
    await connection.execute(text("SET LOCAL statement_timeout = '15s'"))


@asynccontextmanager
async def superuser_connection(server: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """Connect with the service's rights, able to become the superuser; undone at the end."""
    engine = make_engine(server.url(role=SUPERUSER), pool_size=1)
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()
    await engine.dispose()


async def gather_statistics(connection: AsyncConnection) -> None:
    """Let the planner learn, over a superuser's connection, what this transaction has added."""
    await connection.execute(text(f"SET ROLE {SUPERUSER}"))
    await analyze(connection)
    await connection.execute(text(f"SET ROLE {APP_ROLE}"))


async def rows_read(connection: AsyncConnection, *tables: str) -> int:
    """Return how many rows of some tables this transaction has read."""
    statement = """
        SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)
        FROM pg_stat_xact_user_tables WHERE relname = ANY(:tables)
    """
    return int(await connection.scalar(text(statement), {"tables": list(tables)}) or 0)


async def empty(engine: AsyncEngine) -> None:
    """Delete every row that a race left behind, keys excepted."""
    async with engine.begin() as connection:
        names = await connection.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('alembic_version', 'signing_keys')"
            )
        )
        await connection.execute(text(f"TRUNCATE {', '.join(names)} CASCADE"))


async def everything_in(owner_url: str) -> str:
    """Return every row of every table, bytes in hexadecimal: what a dump would hold."""
    engine = make_engine(owner_url, pool_size=1, role=None)
    async with engine.connect() as connection:
        tables = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        rows: list[str] = []
        for table in tables.all():
            found = await connection.scalars(
                text(f"SELECT CAST(stored AS text) FROM {table} AS stored")  # noqa: S608
            )
            rows.extend(found.all())
    await engine.dispose()
    return "\n".join(rows)
