"""Fifty residents with two lots each, to move points of at once."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.core.personal import Vault
from app.ledger import queries
from app.ledger.holds import queries as hold_queries
from app.ledger.salts import new_salt
from tests.support.awards import give_lots
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood
from tests.support.policies import Town

RESIDENTS = 50
ONE_MONTH = {"kind": "months", "months": 1}
THREE_MONTHS = {"kind": "months", "months": 3}


@pytest.fixture
async def session(
    sessionmaker: async_sessionmaker[AsyncSession],
) -> AsyncIterator[AsyncSession]:
    async with sessionmaker() as session:
        yield session


@dataclass(frozen=True, slots=True)
class Crowd:
    """Fifty wallets: 30 points that last three months, then 20 that last one."""

    session: AsyncSession
    here: Neighbourhood
    wallets: list[int]
    now: datetime

    @property
    def community_id(self) -> int:
        return self.here.community_id

    @property
    def shop_id(self) -> int:
        return self.here.created.shops["canteen"]

    async def place(self, points: int) -> dict[int, int]:
        """Hold so many points of everybody in one call; return hold → wallet."""
        holds = {900_000 + number: wallet for number, wallet in enumerate(self.wallets)}
        placed = await self.place_holds((hold, wallet, points) for hold, wallet in holds.items())
        assert placed == set(holds)
        return holds

    async def place_holds(self, holds: Iterable[tuple[int, int, int]]) -> set[int]:
        rows = [
            {"item_id": hold, "account_id": wallet, "points": points, "purpose": "booking",
             "memo": "活动室", "expires_at": "2027-01-01T00:00:00Z"}
            for hold, wallet, points in holds
        ]  # fmt: skip
        await queries.lock_balances(self.session, self.community_id, self.wallets)
        return await hold_queries.place_holds(self.session, self.community_id, rows, now=self.now)

    async def capture(self, holds: Iterable[int]) -> dict[int, int]:
        """Post holds to the canteen in one call; return hold → transfer."""
        rows = [
            {"hold_id": hold, "transfer_id": new_id(self.now), "maker_id": 1,
             "credit_account_id": self.shop_id, "salt": new_salt()}
            for hold in holds
        ]  # fmt: skip
        await queries.lock_balances(self.session, self.community_id, self.wallets)
        return await hold_queries.capture_holds(self.session, self.community_id, rows, now=self.now)

    async def undo(self, holds: Iterable[int]) -> dict[int, int]:
        """Take captures back in one call; return hold → reversal."""
        rows = [
            {"hold_id": hold, "transfer_id": new_id(self.now), "maker_id": 1,
             "salt": new_salt()}
            for hold in holds
        ]  # fmt: skip
        await queries.lock_balances(self.session, self.community_id, self.wallets)
        return await hold_queries.undo_captures(self.session, self.community_id, rows, now=self.now)

    async def release(self, holds: Iterable[int]) -> set[int]:
        await queries.lock_balances(self.session, self.community_id, self.wallets)
        return await hold_queries.release_holds(
            self.session, self.community_id, list(holds), state="released", now=self.now
        )


@pytest.fixture
async def crowd(
    session: AsyncSession,
    sessionmaker: async_sessionmaker[AsyncSession],
    http: httpx.AsyncClient,
    vault: Vault,
    clock: Clock,
) -> Crowd:
    here = await make_neighbourhood(
        sessionmaker, http, vault=vault, now=clock.now, residents=RESIDENTS
    )
    wallets = sorted(here.residents.values())
    lots = [(wallet, 30, THREE_MONTHS) for wallet in wallets]
    await give_lots(session, here, [*lots, *((wallet, 20, ONE_MONTH) for wallet in wallets)],
                    now=clock.now)  # fmt: skip
    return Crowd(session, here, wallets, clock.now)


@pytest.fixture
def town(app: FastAPI, here: Neighbourhood, clock: Clock) -> Town:
    """Six residents whose points follow the community's policy; they never lapse as yet."""
    return Town(app, here, clock)
