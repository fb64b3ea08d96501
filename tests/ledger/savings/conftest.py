"""Banks that are open: one whose work is undone, and one that commits."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.ledger.savings.bank import EXEMPT, Bank
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

OpenBank = Callable[[int], Awaitable[Bank]]


@pytest.fixture
async def bank(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> Bank:
    """The bank of sunshine, switched on: what is saved does not lapse."""
    bank = Bank(here, sessionmaker, clock)
    await bank.set_policy(savings=EXEMPT)
    return bank


@pytest.fixture
def racing_bank(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> OpenBank:
    """Open a bank for so many residents on the committing database."""

    async def open_bank(residents: int) -> Bank:
        bank = Bank(await race(residents), race_sessionmaker, clock)
        await bank.set_policy(savings=EXEMPT)
        return bank

    return open_bank
