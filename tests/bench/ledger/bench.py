"""Runs the operations in one process, one transaction each, and the floors beside them."""

import asyncio
import time
from collections import Counter

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import make_engine, make_sessionmaker
from app.core.transactions import system_clock
from tests.bench.driver import quantile
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.ledger import ends
from tests.bench.ledger.floors import Floors
from tests.bench.ledger.measured import floor_figures, measuring, per, ratios
from tests.bench.ledger.operations import (
    HOT,
    MANY,
    YARDSTICKS,
    Operations,
    Turn,
    operations_of,
)
from tests.bench.ledger.size import Size
from tests.bench.ledger.stage import Stage, url_of

WARM, COUNTED = 10, 20
WARM_UP_SECONDS = 1.0
MOST_SECONDS = 60.0


class Bench:
    """Measures on a stage; one connection for each client."""

    def __init__(self, stage: Stage, size: Size) -> None:
        self._stage = stage
        self._size = size
        self._operations = operations_of(Operations(stage.scene.town))
        self._floors = Floors(stage, size.clients)
        self._engine = make_engine(stage.url, pool_size=size.clients)
        self._maker = make_sessionmaker(self._engine)
        self._counted: dict[str, Figures] = {}
        self._turns: Counter[tuple[str, int]] = Counter()

    async def close(self) -> None:
        await self._engine.dispose()

    async def warm_up(self) -> None:
        """Count statements and round trips through the relay, then prepare every connection."""
        relay = self._stage.relay
        engine = make_engine(url_of(relay.address), pool_size=1)
        maker = make_sessionmaker(engine)
        for name in self._operations:
            await self._run(maker, name, clients=1, most=WARM)
            before = relay.so_far()
            await self._run(maker, name, clients=1, most=COUNTED)
            self._counted[name] = per(before, relay.so_far(), COUNTED)
        self._counted |= await ends.rehearse(self._stage, maker)
        await engine.dispose()
        seconds = min(WARM_UP_SECONDS, self._size.seconds / 2)
        for name in self._operations:
            await self._run(self._maker, name, self._size.clients, seconds=seconds)

    async def measure(self, turn: int) -> dict[str, Figures]:
        """Measure everything once; the floors come first in every other round."""
        measured = {}
        for name in self._operations:
            floors = self._measure_floors(name) if turn % 2 else {}
            figures = await self._operate(name)
            floors = floors or self._measure_floors(name)
            measured[name] = figures | floors | ratios(figures, floors) | self._counted[name]
        floors = ends.measure_floors(self._floors, self._size.seconds)
        midnight = self._stage.scene.midnights[turn + 1]
        for name in ends.JOBS:
            figures = await ends.end_points(self._stage, self._maker, name, midnight, floors)
            measured[name] = figures | self._counted[name]
        return measured

    def _measure_floors(self, name: str) -> Figures:
        """Let pgbench write the same: nothing else is to run in the meantime."""
        yardstick, seconds = YARDSTICKS[name], self._size.seconds
        separate = self._floors.run(yardstick, is_one=False, seconds=seconds)
        one = self._floors.run(yardstick, is_one=True, seconds=seconds)
        return floor_figures("separate", separate) | floor_figures("one", one)

    async def _operate(self, name: str) -> Figures:
        with measuring(self._stage.server_pid) as used:
            latencies = await self._run(
                self._maker, name, self._size.clients, seconds=self._size.seconds
            )
        if not latencies:
            raise BenchFailed(f"There was nothing left for {name!r}.")
        p50, p99 = (1000 * quantile(sorted(latencies), share) for share in (0.5, 0.99))
        return used.each(len(latencies)) | {"p50_ms": p50, "p99_ms": p99}

    async def _run(
        self,
        maker: async_sessionmaker[AsyncSession],
        name: str,
        clients: int,
        *,
        seconds: float = MOST_SECONDS,
        most: int | None = None,
    ) -> list[float]:
        """Let clients work for so long, or do so many; return how long each took."""
        operation, deadline = self._operations[name], time.perf_counter() + seconds
        latencies: list[float] = []

        async def work(client: int) -> None:
            while time.perf_counter() < deadline and (most is None or len(latencies) < most):
                self._turns[name, client] += 1
                turn = self._turn(name, client, clients)
                began = time.perf_counter()
                try:
                    async with maker.begin() as session:
                        await operation(session, turn, system_clock())
                except IndexError:
                    return
                latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(work(client) for client in range(clients)))
        return latencies

    def _turn(self, name: str, client: int, clients: int) -> Turn:
        """Walk through the wallets so that two clients never meet, unless they are to."""
        number, scene = self._turns[name, client], self._stage.scene
        first, count = scene.wallets.first, scene.wallets.count
        if name == HOT:
            return Turn(number, first + count - 1, first)
        if name == MANY:
            return Turn(number, scene.rich_wallets.first + client, first)
        seats = max(1, (count - 1) // clients)
        here, there = (first + client + clients * (at % seats) for at in (number, number + 1))
        return Turn(number, here, there)
