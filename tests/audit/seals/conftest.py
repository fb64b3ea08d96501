"""A sealed book, an auditor of its seals, and a superuser who changes what nobody should."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncSession,
    async_sessionmaker,
)

from app.audit.seals.walk import SealsWalk, walks
from app.audit.walks import AuditedBook, Difference, Position, Walk
from app.cli.database import OWNER_ROLE
from app.core.database import APP_ROLE
from tests.support.awards import NEVER, give_lots
from tests.support.clock import Clock
from tests.support.database import DatabaseServer, superuser_connection
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import ADDRESS, seal_all, verifier_keys
from tests.support.shopping import consume, redeem

BATCHES = (1, 6, 13)
# Small pages, so that their ends fall within batches and within groups of nodes.
WALKS: Sequence[Walk] = (SealsWalk(size=7), *walks[1:])


@pytest.fixture
async def connection(migrated: DatabaseServer) -> AsyncIterator[AsyncConnection]:
    """The one connection of a test; what it does is undone at the end."""
    async with superuser_connection(migrated) as connection:
        yield connection


@dataclass(frozen=True, slots=True)
class SealedBook:
    """A community with 23 sealed transfers under four checkpoints, and one that waits."""

    app: FastAPI
    here: Neighbourhood
    session: AsyncSession
    clock: Clock

    @property
    def community_id(self) -> int:
        return self.here.community_id

    @property
    def audited(self) -> AuditedBook:
        origin = f"{ADDRESS.partition('//')[2]}/communities/{self.community_id}"
        keys = verifier_keys(self.app.state.keys, origin)
        return AuditedBook(self.community_id, "Asia/Shanghai", keys, self.clock.now)

    async def plant(self, statement: str) -> None:
        """Change something with the owner's rights, which the service does not have."""
        await self.session.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
        await self.session.execute(text(statement), {"id": self.community_id})
        await self.session.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))

    async def give(self, count: int, *, sealed: bool = True) -> None:
        """Let so many transfers be posted at once, and sealed."""
        wallets = sorted(self.here.residents.values())
        lots = [(wallets[number % len(wallets)], 10 + number, NEVER) for number in range(count)]
        await give_lots(self.session, self.here, lots, now=self.clock.now)
        await self.session.commit()
        if sealed:
            await seal_all(self.app, now=self.clock.now)

    async def audit(self, walks: Sequence[Walk] = WALKS) -> Difference | None:
        """Go through the seals; return the first difference."""
        for walk in walks:
            position: Position | None = {}
            while position is not None:
                step = await walk.step(self.session, self.audited, position)
                if step.difference is not None:
                    return step.difference
                # It is stored between pages.
                position = json.loads(json.dumps(step.position))
        return None


@pytest.fixture
async def session(
    sessionmaker: async_sessionmaker[AsyncSession],
) -> AsyncIterator[AsyncSession]:
    async with sessionmaker() as session:
        yield session


@pytest.fixture
async def sealed(
    app: FastAPI, here: Neighbourhood, session: AsyncSession, clock: Clock
) -> SealedBook:
    book = SealedBook(app, here, session, clock)
    for count in BATCHES:
        await book.give(count)
    await here.fine("resident-1", units=1)
    await here.give("resident-2", "legal_advice", units=1)
    voucher = await redeem(here, "resident-2", here.reward_id("canteen_meal"))
    assert (await consume(here, voucher["typed_code"])).status_code == 200
    await seal_all(app, now=clock.now)
    await book.give(1, sealed=False)
    return book
