"""Races end with an audit of the whole book."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.books import assert_books_balance
from tests.support.neighbourhood import Neighbourhood

Audit = Callable[[Neighbourhood], Awaitable[None]]


@pytest.fixture
def audit(race_sessionmaker: async_sessionmaker[AsyncSession]) -> Audit:
    """Recompute every balance, lot, hold and standing of the neighbourhood."""

    async def recompute(here: Neighbourhood) -> None:
        async with race_sessionmaker() as session:
            await assert_books_balance(session, here.community_id)

    return recompute
