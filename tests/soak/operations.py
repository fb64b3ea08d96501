"""Random ledger operations from many clients at once, for as long as one likes."""

import argparse
import asyncio
import random
import secrets
import shutil
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from app.cli.database import migrate_async
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.main import create_app
from tests.concurrency.market import open_market
from tests.concurrency.operations import Market, trade
from tests.soak.options import say, up_to
from tests.support.books import assert_books_balance
from tests.support.database import DatabaseServer, running_server
from tests.support.neighbourhood import make_neighbourhood

HELP = "random ledger operations from many clients at once; the book must balance"
MOST_OPERATIONS = 10_000_000
MOST_CLIENTS = 64
MOST_RESIDENTS = 5000
SAID = 20
DESCRIPTION = """\
Let clients do random operations of every kind on one community's ledger, up to 20 in a
transaction and many transactions at once, through two years of its time: awards, holds, moves,
deductions, reversals, lapsing, decay. Then recompute the whole book from its transfers: it sums
to 0, no account is below its floor, lots are what balances say, holds are what lots have pinned.

Ends with 0 and how often each operation was done and refused, or with 1 and the first difference.
About 8 minutes for the 1,000,000 operations it does unless told otherwise."""


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--operations", type=up_to(MOST_OPERATIONS), default=1_000_000, help="default: 1000000")
    number("--clients", type=up_to(MOST_CLIENTS), default=16, help="at once (default: 16)")
    number("--residents", type=up_to(MOST_RESIDENTS), default=200, help="default: 200")
    number("--seed", type=int, default=secrets.randbelow(10**6), help="who does what")


def run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    folder.chmod(0o711)  # under root another account runs PostgreSQL
    say(f"{options.operations} operations in {folder}, --seed {options.seed}")
    try:
        with running_server(folder / "data") as server:
            asyncio.run(trade_on(server, folder, options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("The book balances.")


async def trade_on(server: DatabaseServer, folder: Path, options: argparse.Namespace) -> None:
    await migrate_async(server.owner_url, "head")
    now = datetime.now(UTC)
    engine = make_engine(server.url(), pool_size=options.clients)
    sessionmaker = make_sessionmaker(engine)
    vault = create_app(Settings(data_dir=folder / "keys")).state.vault
    async with httpx.AsyncClient() as unused:
        here = await make_neighbourhood(
            sessionmaker, unused, vault=vault, now=now, residents=options.residents
        )
    dice = random.Random(options.seed)  # noqa: S311 - not a secret
    market = await open_market(here, sessionmaker, dice=dice, now=now)
    telling = asyncio.create_task(tell(market, options.operations))
    began = time.monotonic()
    await trade(market, operations=options.operations, clients=options.clients)
    took = time.monotonic() - began
    telling.cancel()
    say(f"{market.operations} operations in {took:.0f} s, {market.operations / took:.0f} a second")
    for kind in sorted(market.done):
        say(f"{kind:>18}: {market.done[kind]:>8} done {market.refused[kind]:>8} refused")
    say("Recomputing the book")
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)
    await engine.dispose()


async def tell(market: Market, operations: int) -> None:
    """Say every so often how far it is."""
    told = 0
    while True:
        await asyncio.sleep(1)
        part = market.operations * SAID // operations
        if part > told:
            told = part
            say(f"{market.operations:>10} operations, {market.now:%Y-%m}")
