"""kill -9 of the sealer, again and again, while clients post."""

import argparse
import asyncio
import os
import random
import secrets
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cli.database import DATABASE, migrate_async
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.core.signing import KeyRing, ensure_keys
from app.core.transactions import system_clock
from app.ledger.seals.jobs import seal_transfers
from app.main import create_app
from tests.concurrency.crowd import award_batch
from tests.crash.sealer import Order
from tests.crash.sealing import SEALER_USER, Sealer, running_sealer, until_gone
from tests.soak.options import say, up_to
from tests.support.database import DatabaseServer, running_server
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood
from tests.support.sealed_book import assert_sealed_once
from tests.support.sealing import ADDRESS

HELP = "kill -9 the sealer while clients post; nothing may be unsealed or sealed twice"
MOST_ROUNDS = 10_000
MOST_CLIENTS = 16
RESIDENTS = 5
BATCHES = (1, 3, 10, 1000)
LONGEST = 0.4
PAUSE = 0.02
ROUNDS_A_TREE = 50
DESCRIPTION = """\
Let a process seal without a pause while clients award points, and kill -9 it at a random moment.
After every kill each transfer must wait or be sealed, and that once; the whole tree, its kept
nodes, the newest checkpoints with their signatures and what system accounts hold are computed
anew in plain Python; and the next sealer must seal the rest. The tests kill it at every single
message to PostgreSQL instead.

Ends with 0 and how much was sealed, or with 1 and the first difference. About half a second a
round."""

Maker = async_sessionmaker[AsyncSession]


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--rounds", type=up_to(MOST_ROUNDS), default=500, help="kills (default: 500)")
    number("--clients", type=up_to(MOST_CLIENTS), default=4, help="at once (default: 4)")
    number("--seed", type=int, default=secrets.randbelow(10**6), help="when to kill")


def run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    folder.chmod(0o711)  # under root another account runs PostgreSQL
    say(f"{options.rounds} rounds in {folder}, --seed {options.seed}")
    try:
        with running_server(folder / "data") as server:
            sealed = asyncio.run(live_on(server, folder / "keys", options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{sealed} transfers are sealed, each once, and none is left.")


@dataclass(frozen=True, slots=True)
class Town:
    """Where it all happens: a new neighbourhood every so many rounds, for trees to stay small."""

    maker: Maker
    keys: KeyRing
    sealer: Sealer
    order: Order
    clients: int

    async def live_through(self, here: Neighbourhood, dice: random.Random, sealed: int) -> int:
        """Post and seal until the sealer is killed, then seal the rest; return how many are."""
        names = [f"resident-{number}" for number in range(1, RESIDENTS + 1)]

        async def post() -> None:
            while True:
                await award_batch(self.maker, here, "survey", names, now=datetime.now(UTC))
                await asyncio.sleep(PAUSE)

        posting = [asyncio.create_task(post()) for _ in range(self.clients)]
        fork = await self.sealer.order(self.order)
        await asyncio.sleep(dice.uniform(0, LONGEST))
        os.kill(fork, signal.SIGKILL)
        assert await self.sealer.ended() == signal.SIGKILL
        for task in posting:
            task.cancel()
        for task in posting:
            with suppress(asyncio.CancelledError):
                await task
        await until_gone(self.maker)
        left = await self.count(here, since=sealed)
        rest = await seal_transfers(
            self.maker, self.keys, public_base_url=ADDRESS, clock=system_clock
        )
        there = await self.count(here, since=left)
        assert there == left + rest
        return there

    async def count(self, here: Neighbourhood, *, since: int) -> int:
        async with self.maker() as session:
            return await assert_sealed_once(session, here.community_id, self.keys, since=since)


async def live_on(server: DatabaseServer, keys: Path, options: argparse.Namespace) -> int:
    await migrate_async(server.owner_url, "head")
    dice = random.Random(options.seed)  # noqa: S311 - not a secret
    app = create_app(Settings(data_dir=keys))
    engine = make_engine(server.url(), pool_size=options.clients + 2)
    maker, now = make_sessionmaker(engine), datetime.now(UTC)
    async with maker.begin() as session:
        await ensure_keys(session, app.state.master_key, now=now)
        await app.state.keys.load(session, now=now)
    url, sealed, all_sealed = server.url(DATABASE, SEALER_USER), 0, 0
    with running_sealer() as sealer:
        async with httpx.AsyncClient() as unused:
            for turn in range(options.rounds):
                if turn % ROUNDS_A_TREE == 0:
                    here = await make_neighbourhood(
                        maker, unused, vault=app.state.vault, now=datetime.now(UTC),
                        residents=RESIDENTS, prefix=f"town{turn}-",
                    )  # fmt: skip
                    all_sealed, sealed = all_sealed + sealed, 0
                order = Order(url, str(keys), now.isoformat(), dice.choice(BATCHES),
                              is_endless=True)  # fmt: skip
                town = Town(maker, app.state.keys, sealer, order, options.clients)
                before, sealed = sealed, await town.live_through(here, dice, sealed)
                say(f"{turn + 1:>5}  {sealed - before:>5} sealed, {order.batch:>4} a batch")
    await engine.dispose()
    return all_sealed + sealed
