"""Five hundred codes that are replayed, forged, expired, foreign or raced earn nothing extra.

`make soak args="codes"` sends ten thousand.
"""

import random
from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings
from tests.soak.hostile.opening import another_front, open_town
from tests.soak.hostile.play import KINDS, play
from tests.support.clock import Clock

CODES, SEED = 500, 7


@pytest.mark.usefixtures("race_http")  # stands the session's application on that database
async def test_five_hundred_hostile_codes_earn_nothing_that_nobody_deserves(
    race_sessionmaker: async_sessionmaker[AsyncSession],
    app_of_session: FastAPI,
    settings: Settings,
    clock: Clock,
) -> None:
    # Another process of the same service, with caches of its own.
    other = another_front(settings, race_sessionmaker, clock)
    async with AsyncExitStack() as open_:
        dice = random.Random(SEED)  # noqa: S311 - not a secret
        town = await open_town(open_, [app_of_session, other], codes=CODES, dice=dice)
        await play(town, codes=CODES)
    assert town.sent >= CODES
    assert {kind for kind, _ in town.tally} == {kind.__name__ for kind in KINDS}
