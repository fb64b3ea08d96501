"""Databases that a test migrates up and down as it likes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.database import ALEMBIC_INI, OWNER_ROLE
from app.core.database import make_engine
from tests.support.database import DatabaseServer

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Scratch:
    """An empty database and its owner's way in."""

    server: DatabaseServer
    owner: AsyncEngine

    @property
    def owner_url(self) -> str:
        return self.server.url(SCRATCH, OWNER_ROLE)

    async def run(self, command: Callable[..., object], *arguments: str) -> None:
        """Run a command of Alembic, as `gridpoints migrate` does."""
        async with self.owner.connect() as connection:
            await connection.run_sync(run_alembic, command, *arguments)


def run_alembic(connection: Connection, command: Callable[..., object], *arguments: str) -> None:
    config = Config(str(ALEMBIC_INI))
    config.attributes["connection"] = connection
    command(config, *arguments)


@pytest.fixture
async def scratch(server: DatabaseServer) -> AsyncIterator[Scratch]:
    await server.create(SCRATCH)
    owner = make_engine(server.url(SCRATCH, OWNER_ROLE), pool_size=2, role=None)
    yield Scratch(server, owner)
    await owner.dispose()
    superuser = make_engine(server.url("postgres", "postgres"), pool_size=1, role=None)
    async with superuser.connect() as connection:
        outside_transactions = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside_transactions.execute(text(f"DROP DATABASE {SCRATCH} WITH (FORCE)"))
    await superuser.dispose()
