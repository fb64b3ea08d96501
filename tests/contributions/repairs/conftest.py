"""The committee's desk, where repairs are decided."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.contributions.by_hand.desk import Desk
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
def desk(here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]) -> Desk:
    return Desk(here, sessionmaker)
