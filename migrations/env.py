"""Runs migrations: one transaction each, one runner at a time, no long waits for locks.

The connection comes from whoever calls (`gridpoints migrate`, the tests) through
`config.attributes["connection"]`; from the command line, `GRIDPOINTS_OWNER_DATABASE_URL` or
`GRIDPOINTS_DATABASE_URL` names the server.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from app.core.config import Settings
from app.core.database import make_engine
from app.models import metadata

# The job queue's tables come from its library; drift there is its business.
FOREIGN_TABLES = ("pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules")


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name not in FOREIGN_TABLES


def configure(connection: Connection | None) -> None:
    context.configure(
        connection=connection,
        dialect_name="postgresql",
        target_metadata=metadata,
        include_name=include_name,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )


def run(connection: Connection) -> None:
    """Migrate over this connection; a second runner waits for the first, however long."""
    connection.execute(text("SET lock_timeout = 0"))
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('gridpoints migrations'))"))
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.execute(text("SET statement_timeout = '60s'"))
    connection.commit()
    try:
        configure(connection)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(hashtext('gridpoints migrations'))"))
        connection.commit()


async def run_online() -> None:
    settings = Settings()
    url = settings.owner_database_url or settings.database_url
    if url is None:
        raise SystemExit("Set GRIDPOINTS_DATABASE_URL, or use `gridpoints migrate`.")
    engine = make_engine(url, pool_size=1, role=None)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


if context.is_offline_mode():
    configure(None)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_online())
