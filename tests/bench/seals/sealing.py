"""Sealing the whole book, batch by batch, and the floor beside it."""

import itertools
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.transactions import system_clock
from app.ledger.seals import service
from tests.bench.driver import quantile
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.ledger.measured import measuring
from tests.bench.seals.floor import move_batch
from tests.bench.seals.stage import Stage

TABLES = ("seals", "tree_nodes", "checkpoints")
_MEASURE = "SELECT pg_total_relation_size(CAST(:table AS regclass))"

Maker = async_sessionmaker[AsyncSession]


async def seal_book(stage: Stage, maker: Maker, *, size: int) -> Figures:
    """Seal all that waits, as the worker's job does; raises BenchFailed unless that was all."""
    signers = stage.keys.seal_signers(system_clock())

    async def seal(session: AsyncSession) -> int:
        return await service.seal_batch(
            session, stage.community_id, signers, now=system_clock(), size=size
        )

    return await _drain(stage, maker, seal)


async def move_book(stage: Stage, maker: Maker, *, size: int) -> Figures:
    """Move as many rows as were sealed, and nothing else."""

    async def move(session: AsyncSession) -> int:
        return await move_batch(session, stage.community_id, size=size)

    return await _drain(stage, maker, move)


async def measure_tables(stage: Stage, maker: Maker) -> Figures:
    """Return how many bytes a transfer takes in each table, indexes included."""
    async with maker() as session:
        return {
            f"{table}_bytes": int(await session.scalar(text(_MEASURE), {"table": table}) or 0)
            / stage.transfers
            for table in TABLES
        }


async def _drain(
    stage: Stage, maker: Maker, work: Callable[[AsyncSession], Awaitable[int]]
) -> Figures:
    took: list[float] = []
    done = 0
    with measuring(stage.server_pid) as used:
        for _ in itertools.count():
            began = time.perf_counter()
            async with maker.begin() as session:
                batch = await work(session)
            if batch == 0:
                break
            took.append(1000 * (time.perf_counter() - began))
            done += batch
    if done != stage.transfers:
        raise BenchFailed(f"{done} of {stage.transfers} transfers were dealt with.")
    took.sort()
    batches = {"p50_ms": quantile(took, 0.5), "p99_ms": quantile(took, 0.99), "most_ms": took[-1]}
    return used.each(done) | batches
