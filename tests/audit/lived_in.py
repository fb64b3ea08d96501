"""A book that was lived in for two months, below which rows can be changed behind its back.

It is lived in once for each module; what a test plants in it is undone.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.walks import AuditedBook, Check, Difference, KeyWalk, Position, Walk, find_difference
from app.cli.database import OWNER_ROLE
from app.core.database import APP_ROLE, make_engine
from tests.audit.living import live
from tests.conftest import NOW
from tests.ledger.plants import Plant
from tests.support.clock import Clock
from tests.support.database import DatabaseServer
from tests.support.neighbourhood import make_neighbourhood

# May take on any role, and put it off again.
SUPERUSER = "postgres"
FIRST, LAST = -(2**63), 2**63 - 1
# Which may have changed when lots lapse, and so their order.
LATER_POLICY = """
    INSERT INTO point_policies (community_id, version, expiry, lowest_points, notice_days,
        published_at)
    SELECT community_id, version + 1, expiry, lowest_points, notice_days, published_at
    FROM point_policies WHERE community_id = :id
"""


@dataclass(frozen=True, slots=True)
class LivedIn:
    """The book, as the service's role reads it."""

    session: AsyncSession
    book: AuditedBook

    @asynccontextmanager
    async def changed(self, *statements: str) -> AsyncIterator[None]:
        """Change rows with the owner's rights; :id is the community."""
        planted = await self.session.begin_nested()
        try:
            await self.session.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
            for statement in statements:
                await self.session.execute(text(statement), {"id": self.book.community_id})
            await self.session.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))
            yield
        finally:
            await planted.rollback()

    async def find(self, check: Check) -> Difference | None:
        """Run a check over the whole book."""
        values = {"community_id": self.book.community_id, "after": FIRST, "until": LAST,
                  "timezone": self.book.timezone, "now": self.book.now}  # fmt: skip
        return await find_difference(self.session, check, values)

    async def walk(self, walk: Walk) -> tuple[int, Difference | None]:
        """Go through the book page by page; return how many rows that were."""
        checked = 0
        position: Position = {}
        while True:
            step = await walk.step(self.session, self.book, position)
            checked += step.checked
            if step.position is None or step.difference is not None:
                return checked, step.difference
            position = step.position


def checks_of(walks: Sequence[Walk]) -> dict[str, Check]:
    """Return the checks of walks by their names."""
    found = [check for walk in walks if isinstance(walk, KeyWalk) for check in walk.checks]
    assert len({check.name for check in found}) == len(found)
    return {check.name: check for check in found}


def names_of(plants: Sequence[Plant]) -> list[str]:
    """Return a name for the test of each change."""
    return [f"{plant.check}, {number}" for number, plant in enumerate(plants, 1)]


@pytest.fixture(scope="module")
async def lived_in(migrated: DatabaseServer, app_of_session: FastAPI) -> AsyncIterator[LivedIn]:
    """Lived in, and read, with no more than the service's rights."""
    engine = make_engine(migrated.url(role=SUPERUSER), pool_size=1)
    async with engine.connect() as connection:
        outer = await connection.begin()
        sessions = async_sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        clock = Clock(NOW)
        await _live(app_of_session, sessions, clock)
        async with sessions() as session:
            community_id = await session.scalar(
                text("SELECT community_id FROM communities WHERE code = 'test'")
            )
            assert community_id is not None
            yield LivedIn(session, AuditedBook(community_id, "Asia/Shanghai", (), clock.now))
        await outer.rollback()
    await engine.dispose()


async def _live(app: FastAPI, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
    app.state.sessionmaker, app.state.clock, app.state.wechat = sessions, clock, {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for prefix in ("", "other-"):
            here = await make_neighbourhood(
                sessions, http, vault=app.state.vault, now=clock.now, prefix=prefix
            )
            if not prefix:
                first = here
        await here.give("resident-1", "survey")
        await live(first, sessions, clock)
