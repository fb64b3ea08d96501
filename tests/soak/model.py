"""The ledger against the plain model of its rules, for as long as one likes."""

import argparse
import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path

from app.cli.database import migrate_async
from tests.ledger_model.run import run_sequences
from tests.soak.options import say, up_to
from tests.support.database import running_server

HELP = "any sequence of ledger operations, compared step by step with a plain model"
MOST_SEQUENCES = 1_000_000
MOST_STEPS = 200
DESCRIPTION = """\
Do random sequences of every operation of the ledger on a PostgreSQL server of its own and, beside
it, on a model of the money rules in plain Python. After every step all figures must be the same,
and the invariants must hold by the rows alone. The tests do 500 sequences of 40 steps.

Ends with 0 and how often each operation was done and refused, or with the shortest sequence found
that shows a difference. About 5 seconds for 1,000 steps."""


def add_options(parser: argparse.ArgumentParser) -> None:
    number = partial(parser.add_argument, metavar="N")
    number("--sequences", type=up_to(MOST_SEQUENCES), default=5000, help="default: 5000")
    number("--steps", type=up_to(MOST_STEPS), default=50, help="a sequence (default: 50)")


def run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    folder.chmod(0o711)  # under root another account runs PostgreSQL
    say(f"{options.sequences} sequences of {options.steps} steps in {folder}")
    try:
        with running_server(folder / "data") as server:
            asyncio.run(migrate_async(server.owner_url, "head"))
            bench = run_sequences(server.url(), sequences=options.sequences, steps=options.steps)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(bench.report())
    say("Every step came to what the model says.")
