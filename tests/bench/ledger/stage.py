"""What is measured on: a durable PostgreSQL in a temporary folder, and four communities."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import DATABASE, in_transaction, migrate, urls_of
from app.core.database import APP_ROLE
from app.core.embedded import EmbeddedPostgres, ServerAddress
from app.core.transactions import system_clock
from app.ledger.lapses import end_of
from app.ledger.point_policy.schemas import PolicyDecay
from tests.bench.errors import BenchFailed
from tests.bench.ledger.relay import Relay, running_relay
from tests.bench.ledger.size import Size
from tests.bench.ledger.town import (
    PLENTY,
    Grant,
    Town,
    Wallets,
    block,
    fill_wallets,
    found_town,
    pin_halves,
)
from tests.bench.stage import SPARE_CONNECTIONS, settle_down, temporary_folder
from tests.support.books import assert_books_balance

DAY = timedelta(days=1)
MANY = 1_000_000
BETWEEN_ROUNDS = timedelta(days=40)  # longer than the month that halves what is unused
DECAY = PolicyDecay(months=1, percent=10)
# Everything at once: the wallets of the rehearsal have nothing to lose any more.
DECAY_AT_ONCE = PolicyDecay(months=1, percent=100)
# Blocks of numbers: of wallets, of their lots, and one for each lot of the wallets with many.
HOLDS, RICH, FIRST_LOTS = 5, 9, 10


@dataclass(frozen=True, slots=True)
class Scene:
    """The communities: one for the ledger, one for pgbench, two whose points lapse.

    In round n the points of `lapsing` lapse at `midnights[n]`; those of the rehearsal at the
    first of them.
    """

    town: Town
    floor: Town
    lapsing: Town
    rehearsal: Town
    wallets: Wallets
    rich_wallets: Wallets
    first_lot: int
    first_hold: int
    midnights: list[datetime]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    scene: Scene
    address: ServerAddress
    server_pid: int
    relay: Relay
    folder: Path

    @property
    def url(self) -> str:
        return url_of(self.address)

    def audit(self) -> None:
        """Recompute what the ledger wrote; raises BenchFailed with the first difference."""

        async def look(session: AsyncSession) -> None:
            # Python thinks about a large book for longer than a transaction may idle.
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            for town in (self.scene.town, self.scene.lapsing, self.scene.rehearsal):
                await assert_books_balance(session, town.community_id)

        try:
            in_transaction(self.url, look)
        except AssertionError as difference:
            raise BenchFailed(f"The books are wrong: {difference}") from difference

    def server_version(self) -> str:
        async def ask(session: AsyncSession) -> str:
            return str(await session.scalar(text("SHOW server_version")))

        return in_transaction(self.url, ask)


@contextmanager
def running_stage(size: Size) -> Iterator[Stage]:
    """Set everything up, and take it away when the block ends."""
    settings = {"max_connections": str(size.clients + SPARE_CONNECTIONS)}
    with (
        temporary_folder() as folder,
        EmbeddedPostgres(folder / "data", settings=settings) as address,
        running_relay(address, folder / "relay") as relay,
    ):
        migrate(urls_of(address).owner)
        scene = build_scene(url_of(address), size, now=system_clock())
        asyncio.run(settle_down(address))
        pid_file = folder / "data" / "cluster" / "postmaster.pid"
        server_pid = int(pid_file.read_text().split()[0])
        yield Stage(scene, address, server_pid, relay, folder)


def url_of(address: ServerAddress) -> str:
    return address.url(APP_ROLE, DATABASE)


def build_scene(url: str, size: Size, *, now: datetime) -> Scene:
    """Found the communities and fill their wallets, each in a transaction of its own."""
    builder = Builder(size, now)
    return Scene(
        town=in_transaction(url, builder.found_measured),
        floor=in_transaction(url, builder.found_floor),
        lapsing=in_transaction(url, builder.found_lapsing),
        rehearsal=in_transaction(url, builder.found_rehearsal),
        wallets=builder.wallets,
        rich_wallets=builder.rich_wallets,
        first_lot=builder.first_lot,
        first_hold=builder.first_hold,
        midnights=builder.midnights,
    )


class Builder:
    """Founds communities; everything in them happened before `now`."""

    def __init__(self, size: Size, now: datetime) -> None:
        self._size, self._now = size, now
        self._began = now - BETWEEN_ROUNDS * (size.rounds + 2)
        self.wallets = Wallets(block(now, 0), size.residents)
        self.rich_wallets = Wallets(block(now, RICH), size.clients)
        self.first_lot, self.first_hold = block(now, FIRST_LOTS), block(now, HOLDS)
        self.midnights = [
            end_of((self._began + BETWEEN_ROUNDS * number).date(), "Asia/Shanghai")
            for number in range(size.rounds + 1)
        ]

    def next_lots(self, number: int) -> int:
        """Return the number of the first wallet's next lot."""
        return block(self._now, FIRST_LOTS + 1 + number)

    async def found_measured(self, session: AsyncSession) -> Town:
        """Found where everybody has one large lot, and a few wallets have many."""
        now = self._now
        town = await found_town(session, "measured", now=self._began)
        await fill_wallets(session, town, self.wallets, [self._one_lot()], now=now)
        many = [
            Grant(self.next_lots(number), MANY, now - DAY, now + (number + 1) * DAY)
            for number in range(self._size.lots)
        ]
        await fill_wallets(session, town, self.rich_wallets, many, now=now)
        return town

    async def found_floor(self, session: AsyncSession) -> Town:
        """Found where pgbench writes."""
        now = self._now
        town = await found_town(session, "floor", now=self._began)
        await fill_wallets(session, town, self.wallets, [self._one_lot()], now=now)
        await pin_halves(
            session, town, self.wallets, lot=self.first_lot, hold=self.first_hold, now=now
        )
        return town

    async def found_lapsing(self, session: AsyncSession) -> Town:
        """Found where in each round one lot of everybody lapses and another one halves."""
        town = await found_town(session, "lapsing", decay=DECAY, now=self._began)
        lots = [
            # Too young to halve before it lapses.
            Grant(self.next_lots(number), 20, midnight - 5 * DAY, midnight)
            for number, midnight in enumerate(self.midnights)
            if number > 0
        ]
        lasting = Grant(self.first_lot, 100, self._began - DAY)
        await fill_wallets(session, town, self.wallets, [lasting, *lots], now=self._now)
        return town

    async def found_rehearsal(self, session: AsyncSession) -> Town:
        """Found where all that lapses and halves does so before the first round."""
        town = await found_town(session, "rehearsal", decay=DECAY_AT_ONCE, now=self._began)
        few = Wallets(self.wallets.first, self._size.rehearsing)
        lapsing = Grant(self.first_lot, 20, self.midnights[0] - DAY, self.midnights[0])
        lasting = Grant(self.next_lots(0), 100, self._began - BETWEEN_ROUNDS)
        await fill_wallets(session, town, few, [lapsing, lasting], now=self._now)
        return town

    def _one_lot(self) -> Grant:
        return Grant(self.first_lot, PLENTY, self._now - DAY)
