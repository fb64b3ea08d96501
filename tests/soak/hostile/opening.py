"""Two applications on one database, and the communities behind them."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings
from app.main import create_app
from tests.soak.hostile.play import residents_for
from tests.soak.hostile.scans import CROWD
from tests.soak.hostile.town import Town, way_in
from tests.support.clock import Clock
from tests.support.neighbourhood import make_neighbourhood

NEIGHBOURS = 3


def another_front(
    settings: Settings, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> FastAPI:
    """Return an application as another process would have it; it has not learned any keys yet."""
    app = create_app(settings)
    app.state.sessionmaker, app.state.clock = sessionmaker, clock
    return app


async def open_town(
    open_: AsyncExitStack, apps: Sequence[FastAPI], *, codes: int, dice: random.Random
) -> Town:
    """Settle two communities, large enough for so many codes, behind applications."""
    state = apps[0].state
    now = state.clock()
    for app in apps:
        async with state.sessionmaker() as session:
            await app.state.keys.load(session, now=now)
    fronts = [await open_.enter_async_context(way_in(app)) for app in apps]
    here, elsewhere = [
        await make_neighbourhood(
            state.sessionmaker, fronts[0], vault=state.vault, now=now,
            residents=residents, prefix=prefix,
        )
        for residents, prefix in ((residents_for(codes), ""), (NEIGHBOURS, "other-"))
    ]  # fmt: skip
    spare = [name for name in here.people if name.startswith("resident-") and name not in CROWD]
    return Town(here, elsewhere, fronts, state.keys, state.sessionmaker, state.clock, dice, spare)
