"""The service ends in the middle of a rush, again and again: killed, or asked to."""

import argparse
import asyncio
import random
import secrets
import shutil
import tempfile
from functools import partial
from pathlib import Path

import httpx

from tests.crash.audit import audit
from tests.crash.crowd import Crowd
from tests.crash.rush import ENDS, Rush, live_through
from tests.crash.service import running_service
from tests.soak.options import say, up_to

HELP = "end the service in the middle of a rush; what was acknowledged is there, once"
MOST_ROUNDS = 500
# No more sign in from one address at once.
MOST_RESIDENTS = 50
MOST_ACTIVITIES = 50
DESCRIPTION = """\
Start `gridpoints serve` on an empty data folder, let demo residents scan one activity after another
without a pause, all at the same time, and end the service at a random moment: by kill -9 ("kill"),
or by SIGTERM ("term"), as systemd and containers ask. Then start it again, and let everybody scan
everything once more.

After a kill every acknowledged check-in is there, named as it was, and one whose answer was lost is
there or not ("in doubt" says how many were). After SIGTERM what was stored is exactly what was
acknowledged: whoever got no answer, or was refused with 503, was not checked in. After every round
each resident's statement holds every check-in once. At the end the service is stopped and the whole
book recomputed from its files and audited. The tests do one round of each.

A line per round tells how it went. About 5 seconds a round.
Ends with 0, or with 1 and the first difference; then the data folder is kept and named."""


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--rounds", type=up_to(MOST_ROUNDS), default=100, help="ends (default: 100)")
    number("--residents", type=up_to(MOST_RESIDENTS), default=50, help="at once (default: 50)")
    number("--activities", type=up_to(MOST_ACTIVITIES), default=8, help="a round (default: 8)")
    number("--seed", type=int, default=secrets.randbelow(10**6), help="how and when to end it")
    parser.add_argument("--end", choices=[*ENDS, "any"], default="any", help="default: any")


def run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    say(f"{options.rounds} rounds in {folder}, --seed {options.seed}")
    try:
        asyncio.run(live_on(folder, options))
    except BaseException as difference:
        difference.add_note(f"The data is kept in {folder}.")
        raise
    shutil.rmtree(folder)
    say("Every acknowledged check-in is there, each once, and the book balances.")


async def live_on(folder: Path, options: argparse.Namespace) -> None:
    dice = random.Random(options.seed)  # noqa: S311 - not a secret
    hows = list(ENDS) if options.end == "any" else [options.end]
    limits = httpx.Limits(max_connections=options.residents)
    most = max(options.residents * (options.activities - 1), 1)
    with running_service(folder) as service:
        async with httpx.AsyncClient(
            base_url=service.base_url, trust_env=False, limits=limits
        ) as http:
            crowd = Crowd(http)
            await crowd.come(options.residents)
            for turn in range(1, options.rounds + 1):
                how, after = dice.choice(hows), dice.randint(1, most)
                rush = await live_through(
                    crowd, service, how, activities=options.activities, after=after
                )
                say(f"{turn:>4}  {how:<5} {described(rush)}")
    await audit(service.data_dir)


def described(rush: Rush) -> str:
    return (
        f"{rush.acknowledged:>4} acknowledged, {len(rush.lost):>2} unanswered, "
        f"{rush.in_doubt:>2} in doubt, {len(rush.refused):>2} refused"
    )
