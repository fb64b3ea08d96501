"""kill -9 of the API, the worker and PostgreSQL, again and again, during check-ins."""

import argparse
import asyncio
import random
import secrets
import shutil
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import httpx

from tests.crash.audit import audit
from tests.crash.clearing import Clearing
from tests.crash.crowd import Crowd, Round
from tests.crash.rounds import KILLS, live_through
from tests.crash.service import running_service
from tests.soak.options import say, up_to

HELP = (
    "kill -9 the API, the worker and PostgreSQL during check-ins; nothing acknowledged may be lost"
)
MOST_ROUNDS = 500
MOST_RESIDENTS = 40
MOST_ACTIVITIES = 50
HOMEBODIES = 20
DESCRIPTION = """\
Start `gridpoints serve` on an empty data folder with the settings everybody has, let demo
residents check in at new activities all at once, and kill -9 at a random moment: the API, a
worker of its own in the middle of a job ("worker"), the PostgreSQL server alone ("postmaster"),
or all processes of PostgreSQL ("database"). API and worker are started again at once; a killed
database the service must revive by itself. Residents ask until they are answered, as phones do;
neighbours at home get points that lapse at once, for the workers to clear.

After every round each resident's statement is compared with the answers: every acknowledged
check-in is there exactly once, scanning again adds nothing, the balance is the statement's sum,
and what was to lapse has lapsed exactly once. At the end the service is stopped and the whole
book recomputed from its files.

A line per round tells: what was killed, after how many answers, how many check-ins had been
written though their answer was lost ("in doubt"), how many requests were refused or broken, and
how long it took from the kill to the next answer or, after a worker's, until all was cleared
("recovery"). About 5 seconds a round, 15 for a worker's.
Ends with 0, or with 1 and the first difference; then the data folder is kept and named."""


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--rounds", type=up_to(MOST_ROUNDS), default=200, help="kills (default: 200)")
    number("--residents", type=up_to(MOST_RESIDENTS), default=20, help="callers (default: 20)")
    number("--activities", type=up_to(MOST_ACTIVITIES), default=12, help="a round (default: 12)")
    number("--seed", type=int, default=secrets.randbelow(10**6), help="whom and when to kill")
    parser.add_argument("--kill", choices=[*KILLS, "any"], default="any", help="default: any")


def run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    say(f"{options.rounds} rounds in {folder}, --seed {options.seed}")
    try:
        rounds = asyncio.run(live_on(folder, options))
    except BaseException as difference:
        difference.add_note(f"The data is kept in {folder}.")
        raise
    shutil.rmtree(folder)
    for what, some in rounds.items():
        say(f"{what:>10}: {summary(some)}")
    say("Every acknowledged check-in is there once, all was cleared once, and the book balances.")


async def live_on(folder: Path, options: argparse.Namespace) -> dict[str, list[Round]]:
    dice = random.Random(options.seed)  # noqa: S311 - not a secret
    kinds = list(KILLS) if options.kill == "any" else [options.kill]
    rounds: dict[str, list[Round]] = defaultdict(list)
    answers = options.residents * options.activities
    with running_service(folder) as service:
        async with httpx.AsyncClient(base_url=service.base_url, trust_env=False) as http:
            crowd = Crowd(http)
            await crowd.come(options.residents)
            service.start_worker()
            clearing = Clearing.on(service.database_url, size=HOMEBODIES)
            await clearing.find_homebodies()
            for turn in range(1, options.rounds + 1):
                kind = dice.choice(kinds)
                round_ = await live_through(
                    crowd,
                    clearing,
                    service,
                    kind,
                    activities=options.activities,
                    after=dice.randint(1, max(answers * 4 // 5, 1)),
                )
                rounds[kind].append(round_)
                say(f"{turn:>4}  {kind:<10}  {described(round_)}")
            await clearing.close()
    await audit(service.data_dir)
    return rounds


def described(round_: Round) -> str:
    return (
        f"killed after {round_.acknowledged_before:>4} answers, {round_.in_doubt:>2} in doubt, "
        f"{round_.refused:>4} refused, recovery {round_.recovery_seconds:.2f} s"
    )


def summary(rounds: Sequence[Round]) -> str:
    seconds = [round_.recovery_seconds for round_ in rounds]
    return (
        f"{len(rounds)} kills, {sum(round_.in_doubt for round_ in rounds)} in doubt, recovery "
        f"{min(seconds):.2f} … {statistics.median(seconds):.2f} … {max(seconds):.2f} s"
    )
