"""Replayed, forged, expired, foreign and raced codes: not one point that nobody deserves."""

import argparse
import asyncio
import logging
import random
import secrets
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cli.database import migrate_async
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.core.signing import ensure_keys
from tests.soak.hostile.opening import another_front, open_town
from tests.soak.hostile.play import play, told
from tests.soak.hostile.town import Town
from tests.soak.options import say, up_to
from tests.support.clock import Clock
from tests.support.database import DatabaseServer, running_server

HELP = "replayed, forged, expired, foreign and raced codes; not one extra point may come of them"
MOST_CODES = 1_000_000
# A Wednesday afternoon in Shanghai.
NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
CONNECTIONS = 8
DESCRIPTION = """\
Send codes that earn nothing, or nothing more, to the three ways of checking in: replayed and raced
ones; forged, expired, withdrawn and foreign ones; good ones wrapped in tricks, under bearer tokens
that nobody may be let in with, or overtaken while they fly: by a cancelled activity, a withdrawn
code or card, a sign-out, a closed account, a changed or ended rule, a campaign, midnight. Two
applications with caches of their own stand on one database; every code goes in either way, and
what one of them was told the other must know by its next request. The clock is set, not waited for.

Every answer must be one that its kind may get. After every scene all check-ins and all balances
are compared with what follows from the scans alone: one award for each act that was scanned as it
should be, nothing else. After a round of all kinds the books are recomputed from their transfers
and audited. The tests send 500 codes, always the same.

Ends with 0 and how many codes of each kind were answered what, or with 1 and the first
difference; --seed plays the same codes again, though races may go another way. About two
minutes for the 10,000 codes it sends unless told otherwise."""


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--codes", type=up_to(MOST_CODES), default=10_000, help="at least (default: 10000)")
    number("--seed", type=int, default=secrets.randbelow(10**6), help="which codes, in what order")


def run(options: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    folder.chmod(0o711)  # under root another account runs PostgreSQL
    say(f"{options.codes} codes in {folder}, --seed {options.seed}")
    try:
        with running_server(folder / "data") as server:
            asyncio.run(play_on(server, folder, options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("Nobody has a point more or less than they deserve, and the books balance.")


async def play_on(server: DatabaseServer, folder: Path, options: argparse.Namespace) -> None:
    await migrate_async(server.owner_url, "head")
    engine = make_engine(server.url(), pool_size=CONNECTIONS)
    sessionmaker = make_sessionmaker(engine)
    began = time.monotonic()

    def tell(town: Town) -> None:
        say(f"{town.sent:>10} codes, {town.clock.now:%Y-%m-%d}, {time.monotonic() - began:.0f} s")

    async with AsyncExitStack() as open_:
        town = await _found(open_, sessionmaker, folder, options)
        await play(town, codes=options.codes, tell=tell)
    for line in told(town):
        say(line)
    say(f"{len(town.expected)} acts earned {sum(town.expected.values())} points, each once.")
    await engine.dispose()


async def _found(
    open_: AsyncExitStack,
    sessionmaker: async_sessionmaker[AsyncSession],
    folder: Path,
    options: argparse.Namespace,
) -> Town:
    settings = Settings(data_dir=folder / "keys", local_sign_in=True)
    clock = Clock(NOW)
    apps = [another_front(settings, sessionmaker, clock) for _ in range(2)]
    async with sessionmaker.begin() as session:
        await ensure_keys(session, apps[0].state.master_key, now=datetime(2026, 1, 1, tzinfo=UTC))
    dice = random.Random(options.seed)  # noqa: S311 - not a secret
    return await open_town(open_, apps, codes=options.codes, dice=dice)
