"""However many seal at once while points are posted, each transfer is sealed once."""

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.signing import KeyRing
from app.ledger.seals import service
from app.ledger.seals.jobs import seal_transfers
from tests.concurrency.crowd import award_batch, together
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealed_book import assert_sealed_once
from tests.support.sealing import ADDRESS, seal_all

RESIDENTS = 5
POSTERS, POSTINGS = 4, 6
SEALERS = 3

Maker = async_sessionmaker[AsyncSession]


async def test_sealers_at_once_and_posters_leave_nothing_unsealed_or_sealed_twice(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Maker,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    here = await race(RESIDENTS)
    await _award_all(race_sessionmaker, here, clock)
    await here.fine("resident-1")  # the penalty account adds up as well
    is_over = asyncio.Event()

    async def post() -> None:
        for _ in range(POSTINGS):
            await _award_all(race_sessionmaker, here, clock)

    async def seal() -> int:
        keys, sealed = KeyRing(app_of_session.state.master_key), 0
        while not is_over.is_set():
            sealed += await seal_transfers(
                race_sessionmaker, keys, public_base_url=ADDRESS, now=clock.now
            )
        return sealed

    sealing = [asyncio.create_task(seal()) for _ in range(SEALERS)]
    await together(post() for _ in range(POSTERS))
    is_over.set()
    sealed = sum(await together(sealing)) + await seal_all(app_of_session, now=clock.now)

    async with race_sessionmaker() as session:
        there = await assert_sealed_once(session, here.community_id, app_of_session.state.keys)
    assert sealed == there == RESIDENTS + 1 + POSTERS * POSTINGS * RESIDENTS


async def test_a_second_sealer_leaves_a_tree_to_the_one_who_is_at_it(
    race: MakeRace, app_of_session: FastAPI, race_sessionmaker: Maker, clock: Clock
) -> None:
    here = await race(RESIDENTS)
    await seal_all(app_of_session, now=clock.now)  # opens the tree
    await _award_all(race_sessionmaker, here, clock)
    signers = app_of_session.state.keys.seal_signers(clock.now)

    async with race_sessionmaker.begin() as session:
        mine = await service.seal_batch(session, here.community_id, signers, now=clock.now)
        others = await seal_all(app_of_session, now=clock.now)

    assert (mine, others) == (RESIDENTS, 0)
    async with race_sessionmaker() as session:
        there = await assert_sealed_once(session, here.community_id, app_of_session.state.keys)
    assert there == RESIDENTS


async def _award_all(sessionmaker: Maker, here: Neighbourhood, clock: Clock) -> None:
    names = [f"resident-{number}" for number in range(1, RESIDENTS + 1)]
    await award_batch(sessionmaker, here, "survey", names, now=clock.now)
