"""Neighbourhoods where residents may give each other 40 points a month."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.ledger.gifts.giving import LIMIT, Givers
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

OpenGivers = Callable[[int], Awaitable[Givers]]


@pytest.fixture
async def givers(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> Givers:
    givers = Givers(here, sessionmaker, clock)
    await givers.set_policy(gifts=LIMIT)
    return givers


@pytest.fixture
def racing_givers(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> OpenGivers:
    """Let so many residents of the committing database give each other points."""

    async def open_givers(residents: int) -> Givers:
        givers = Givers(await race(residents), race_sessionmaker, clock)
        await givers.set_policy(gifts=LIMIT)
        return givers

    return open_givers
