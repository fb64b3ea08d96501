"""Auditing a book while it is being sealed, on connections of their own."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.seals.walk import SealsWalk, walks
from app.audit.walks import AuditedBook, Difference, Position, Walk
from app.ledger.seals.jobs import origin_prefix
from app.ledger.seals.queries import open_trees
from app.ledger.seals.service import seal_batch
from tests.conftest import MakeRace
from tests.support.awards import NEVER, give_lots
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import ADDRESS, verifier_keys

TRANSFERS = 240
WALKS: Sequence[Walk] = (SealsWalk(size=50), *walks[1:])


async def seal_bit_by_bit(
    sessionmaker: async_sessionmaker[AsyncSession], app: FastAPI, here: Neighbourhood, clock: Clock
) -> int:
    """Seal three transfers at a time, each time in a transaction; return how many in all."""
    signers, sealed = app.state.keys.seal_signers(clock.now), 0
    while True:
        async with sessionmaker.begin() as session:
            batch = await seal_batch(session, here.community_id, signers, now=clock.now, size=3)
        sealed += batch
        if not batch:
            return sealed


async def audit(
    sessionmaker: async_sessionmaker[AsyncSession], book: AuditedBook
) -> tuple[Difference | None, int]:
    """Go through the seals, each page in a transaction; return how many leaves there were."""
    leaves = 0
    for walk in WALKS:
        position: Position | None = {}
        while position is not None:
            async with sessionmaker.begin() as session:
                step = await walk.step(session, book, position)
            if step.difference is not None:
                return step.difference, leaves
            leaves += step.checked if walk is WALKS[0] else 0
            position = step.position
    return None, leaves


async def test_an_audit_during_sealing_finds_nothing(
    app_of_session: FastAPI,
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
) -> None:
    here = await race(12)
    async with race_sessionmaker.begin() as session:
        await open_trees(session, prefix=origin_prefix(ADDRESS), now=clock.now)
        wallets = sorted(here.residents.values())
        lots = [(wallets[number % 12], 1 + number, NEVER) for number in range(TRANSFERS)]
        await give_lots(session, here, lots, now=clock.now)
    origin = f"{origin_prefix(ADDRESS)}{here.community_id}"
    keys = verifier_keys(app_of_session.state.keys, origin)
    book = AuditedBook(here.community_id, "Asia/Shanghai", keys, clock.now)

    sealing = asyncio.create_task(seal_bit_by_bit(race_sessionmaker, app_of_session, here, clock))
    seen = []
    while not sealing.done():
        difference, leaves = await audit(race_sessionmaker, book)
        assert difference is None
        seen.append(leaves)

    assert await sealing == TRANSFERS
    # The first one began before the first transfer was sealed.
    assert seen
    assert seen == sorted(seen)
    assert await audit(race_sessionmaker, book) == (None, TRANSFERS)
