"""A neighbourhood with rules to claim under."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import NOW
from tests.contributions.claims.desk import LONG_AGO, ClaimDesk, add_claimable_rules
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
async def desk(here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]) -> ClaimDesk:
    await add_claimable_rules(sessionmaker, here.community_id, since=NOW - LONG_AGO)
    return ClaimDesk(here, sessionmaker)
