"""However many seal at once while points are posted, each transfer is sealed once."""

import asyncio
from datetime import datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from typing_extensions import override

from app.core.personal import Vault
from app.core.signing import KeyRing
from app.ledger.seals import service
from app.ledger.seals.jobs import seal_transfers
from tests.concurrency.crowd import award_batch, together
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood
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
                race_sessionmaker, keys, public_base_url=ADDRESS, clock=clock
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


async def test_a_community_with_much_to_seal_does_not_hold_up_another(
    race: MakeRace,
    app_of_session: FastAPI,
    race_sessionmaker: Maker,
    vault: Vault,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    much = await race(RESIDENTS)
    little = await make_neighbourhood(
        race_sessionmaker, much.http, vault=vault, now=clock.now, prefix="other-"
    )
    for _ in range(2):
        await _award_all(race_sessionmaker, much, clock)

    class Keys(KeyRing):
        """Read anew at each turn, and each time somebody has got points elsewhere."""

        @override
        async def load(self, session: AsyncSession, *, now: datetime) -> None:
            await award_batch(race_sessionmaker, little, "survey", ["resident-1"], now=now)
            await super().load(session, now=now)

    def tick() -> datetime:
        return clock.advance(seconds=20)

    keys = Keys(app_of_session.state.master_key)
    await seal_transfers(race_sessionmaker, keys, public_base_url=ADDRESS, clock=tick)

    async with race_sessionmaker() as session:
        made = "SELECT community_id, size FROM checkpoints ORDER BY made_at, community_id"
        checkpoints = (await session.execute(text(made))).all()
    assert checkpoints == [
        (much.community_id, 3), (little.community_id, 1),
        (much.community_id, 6),
        (much.community_id, 9), (little.community_id, 3),
        (much.community_id, 10),
    ]  # fmt: skip


async def _award_all(sessionmaker: Maker, here: Neighbourhood, clock: Clock) -> None:
    names = [f"resident-{number}" for number in range(1, RESIDENTS + 1)]
    await award_batch(sessionmaker, here, "survey", names, now=clock.now)
