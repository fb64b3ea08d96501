"""`python -m tests.bench.ledger`: see --help."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from app.core.embedded import EmbeddedPostgresError
from tests.bench.__main__ import MOST_CLIENTS, give_up, positive, say, seconds
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.ledger import report
from tests.bench.ledger.bench import Bench
from tests.bench.ledger.size import Size
from tests.bench.ledger.stage import Stage, running_stage
from tests.bench.report import describe_machine

HELP = """\
Measure the ledger's operations in process, and beside each what PostgreSQL alone would take.

A PostgreSQL is started in a temporary folder (TMPDIR chooses the disk) with fsync on. The
operations are called as the service calls them, each in a transaction of its own with its COMMIT,
by one process with a connection for each client; only "one wallet" lets clients meet. Then the
worker's jobs clear, and halve, the points of all residents of another community, and run again.

In turn with them pgbench writes the same rows in a third community that is just as large, once
as separate prepared statements and once as a single statement (tests/bench/ledger/floor).

What to read: processor times are the steadiest figures, then the ratios, as both halves of each
met the same machine. Differences below 15 % prove nothing."""
EPILOG = """\
A round takes 29 times --seconds, and the jobs; setting up takes a minute for 100,000 residents.
Everything is on Unix sockets and is taken away at the end."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    size, json_file, is_audited = read(arguments)
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, give_up)  # no server is left behind
    try:
        document = measure(size, is_audited=is_audited)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (BenchFailed, EmbeddedPostgresError) as reason:
        sys.exit(f"bench: {reason}")
    sys.stdout.write("\n" + report.as_tables(document) + "\n")
    if json_file is not None:
        json_file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def measure(size: Size, *, is_audited: bool) -> dict[str, object]:
    """Run all rounds and return what came out."""
    say("Setting up")
    with running_stage(size) as stage:
        machine = describe_machine(stage.server_version())
        rounds = uvloop.run(run_rounds(stage, size))
        if is_audited:
            stage.audit()
            say("The books balance.")
    return report.as_document(machine, size, rounds)


async def run_rounds(stage: Stage, size: Size) -> list[dict[str, Figures]]:
    bench = Bench(stage, size)
    try:
        await bench.warm_up()
        rounds = []
        for turn in range(size.rounds):
            rounds.append(await bench.measure(turn))
            rates = (f"{name} {took['per_second']:,.0f}/s" for name, took in rounds[-1].items())
            say(f"Round {turn + 1}: {', '.join(rates)}")
        return rounds
    finally:
        await bench.close()


def read(arguments: Sequence[str] | None) -> tuple[Size, Path | None, bool]:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.ledger",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    numbers = {
        "residents": (100_000, "in each community"),
        "clients": (16, "connections at a time"),
        "rounds": (3, "times that everything is measured"),
        "lots": (1_000, "that a wallet with many lots has"),
    }
    for name, (value, what) in numbers.items():
        add(f"--{name}", type=positive, default=value, metavar="N", help=f"{what} (%(default)s)")
    add(
        "--seconds",
        type=seconds,
        default=3.0,
        metavar="S",
        help="per measurement; pgbench takes whole seconds from one upwards (3)",
    )
    add("--json", type=Path, metavar="FILE", help="write everything there as well")
    add("--audit", action="store_true", help="recompute the books at the end (slow)")
    options = parser.parse_args(arguments)
    if not options.clients < options.residents <= 2_000_000 or options.clients > MOST_CLIENTS:
        parser.error(f"two million residents, {MOST_CLIENTS} clients, fewer than residents")
    size = Size(options.residents, options.clients, options.rounds, options.seconds, options.lots)
    return size, options.json, options.audit


if __name__ == "__main__":
    main()
