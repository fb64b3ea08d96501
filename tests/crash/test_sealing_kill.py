"""kill -9 of the sealer at every step: no transfer is left unsealed, and none is sealed twice."""

import signal
from dataclasses import replace

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings
from tests.concurrency.crowd import award_batch
from tests.conftest import MakeRace
from tests.crash.sealer import MOMENTS, Order
from tests.crash.sealing import SEALER_USER, running_sealer, until_gone
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealed_book import assert_sealed_once
from tests.support.sealing import seal_all

BATCH, BATCHES = 2, 2
TRANSFERS = BATCH * BATCHES - 1

Maker = async_sessionmaker[AsyncSession]


async def test_killed_at_any_step_the_sealer_leaves_nothing_unsealed_or_sealed_twice(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Maker,
    settings: Settings,
    server: DatabaseServer,
    clock: Clock,
) -> None:
    here = await race(TRANSFERS)
    url = server.url(RACES, SEALER_USER)
    order = Order(url, str(settings.data_dir), clock.now.isoformat(), BATCH)
    await _post(race_sessionmaker, here, clock)
    await here.fine("resident-1")  # the penalty account adds up as well
    with running_sealer() as sealer:
        await sealer.count(order)  # a tree is opened, once
        await _post(race_sessionmaker, here, clock)
        messages = await sealer.count(order)
        sealed = await _count(app_of_session, race_sessionmaker, here)
        first = next(at for at, words in enumerate(messages) if "signing_keys" in words)
        for step, message in list(enumerate(messages, 1))[first - 1 :]:
            for moment in MOMENTS:
                await _post(race_sessionmaker, here, clock)
                await sealer.order(replace(order, step=step, moment=moment))
                killed_by = await sealer.ended()
                assert killed_by == signal.SIGKILL, f"not killed at {message}, {moment}"
                await until_gone(race_sessionmaker)
                left = await _count(app_of_session, race_sessionmaker, here) - sealed
                assert left in {0, *range(BATCH, TRANSFERS, BATCH), TRANSFERS}
                assert left + await seal_all(app_of_session, now=clock.now) == TRANSFERS
                sealed += TRANSFERS
                assert await _count(app_of_session, race_sessionmaker, here) == sealed
    # Before each batch is looked up who signs and what waits.
    assert messages.count("COMMIT;") == 2 * BATCHES


async def _post(sessionmaker: Maker, here: Neighbourhood, clock: Clock) -> None:
    names = [f"resident-{number}" for number in range(1, TRANSFERS + 1)]
    await award_batch(sessionmaker, here, "survey", names, now=clock.advance(seconds=1))


async def _count(app: FastAPI, sessionmaker: Maker, here: Neighbourhood) -> int:
    """Return how many are sealed, with all that must be true of them."""
    async with sessionmaker() as session:
        return await assert_sealed_once(session, here.community_id, app.state.keys)
