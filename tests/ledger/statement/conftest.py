"""A resident whose accounts saw everything an account can see, and one where nothing happened."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passbook import Passbook

ONE_MONTH = {"kind": "months", "months": 1}


@pytest.fixture
def empty(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood, clock: Clock
) -> Passbook:
    return Passbook(sessionmaker, here, clock)


@pytest.fixture
async def lived(empty: Passbook, clock: Clock) -> Passbook:
    """13 lines of the wallet and 2 of the savings, from 18 November to 20 December 2026."""
    book = empty
    await book.may_owe(20)
    award = await book.award(100)
    await book.save(60)
    await book.award(25, ONE_MONTH)
    clock.advance(hours=1)
    hold = await book.spend(15)
    await book.undo(hold, 15)
    await book.spend(15)
    clock.advance(days=1)
    fine = await book.fine(7)
    await book.give_back(fine, 3)
    await book.withdraw(60)
    clock.advance(days=31)
    await book.lapse(6)
    await book.spend(4)
    await book.take_back(award, 100)
    await book.award(40)
    return book
