"""A neighbourhood whose residents appeal."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import NOW
from tests.contributions.claims.desk import LONG_AGO, add_claimable_rules
from tests.governance.appeals.desk import AppealDesk
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
async def desk(here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]) -> AppealDesk:
    await add_claimable_rules(sessionmaker, here.community_id, since=NOW - LONG_AGO)
    return AppealDesk(here, sessionmaker)
