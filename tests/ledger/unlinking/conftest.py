"""Neighbourhoods whose residents give each other points, and leave."""

from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.ledger.gifts.giving import LIMIT
from tests.ledger.unlinking.leaving import Leavers
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

OpenLeavers = Callable[[int], Awaitable[Leavers]]


@pytest.fixture
async def leavers(
    app: FastAPI,
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> Leavers:
    leavers = Leavers(here, sessionmaker, clock)
    leavers.app = app
    await leavers.set_policy(gifts=LIMIT)
    return leavers


@pytest.fixture
def racing_leavers(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> OpenLeavers:
    """Let so many residents of the committing database leave."""

    async def open_leavers(residents: int) -> Leavers:
        leavers = Leavers(await race(residents), race_sessionmaker, clock)
        leavers.app = app_of_session
        await leavers.set_policy(gifts=LIMIT)
        return leavers

    return open_leavers
