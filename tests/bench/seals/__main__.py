"""`python -m tests.bench.seals`: see --help."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from app.core.database import make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgresError
from app.ledger.seals import service
from tests.bench.__main__ import give_up, positive, say
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.report import describe_machine
from tests.bench.seals import report
from tests.bench.seals.auditing import audit_book
from tests.bench.seals.proofs import Proofs
from tests.bench.seals.sealing import measure_tables, move_book, seal_book
from tests.bench.seals.stage import Stage, running_stage
from tests.bench.seals.town import EACH

HELP = f"""\
Measure sealing, proofs and the audit in a book of a million transfers.

A PostgreSQL is started in a temporary folder (TMPDIR chooses the disk) with fsync on. Plain SQL
fills a community: {EACH} transfers for each resident, as awards and redemptions would have left
them. Then all of it is sealed as the worker's job does, batch by batch; receipts and proofs of
consistency are made by the service's own functions and checked; and the audit goes through
everything, to the end, which it must find clean.

Just before the sealing, as many rows are moved from a copy of the queue into a copy of the seals:
what the database alone takes. Processor times are the steadiest figures."""
MOST_TRANSFERS = 20_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = read(arguments)
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, give_up)  # no server is left behind
    try:
        document = measure(options)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (BenchFailed, EmbeddedPostgresError) as reason:
        sys.exit(f"bench: {reason}")
    sys.stdout.write("\n" + report.as_tables(document) + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Measure everything once and return what came out."""
    say("Setting up")
    with running_stage(options.transfers) as stage:
        machine = describe_machine(stage.server_version)
        results = uvloop.run(run(stage, options))
        size = {
            "transfers": stage.transfers,
            "residents": stage.transfers // EACH,
            "batch": options.batch,
        }
    return report.as_document(machine, size, results)


async def run(stage: Stage, options: argparse.Namespace) -> dict[str, Figures]:
    engine = make_engine(stage.url, pool_size=2)
    maker = make_sessionmaker(engine)
    results = {}
    try:
        say("Moving rows, the floor")
        results["floor"] = await move_book(stage, maker, size=options.batch)
        say("Sealing")
        results["seal"] = await seal_book(stage, maker, size=options.batch)
        results["tables"] = await measure_tables(stage, maker)
        say("Proving")
        proofs = Proofs(stage, maker)
        results["receipt"] = await proofs.measure_receipts()
        results["consistency"] = await proofs.measure_consistency()
        if options.audit:
            say("Auditing")
            results["audit"] = await audit_book(stage, maker)
    finally:
        await engine.dispose()
    return results


def read(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.seals",
        description=HELP,
        epilog="Everything is on Unix sockets and is taken away at the end.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--transfers", type=positive, default=1_000_000, metavar="N",
        help=f"in the book, rounded up to {EACH} for each resident (%(default)s)",
    )  # fmt: skip
    add(
        "--batch", type=positive, default=service.BATCH, metavar="N",
        help="transfers that are sealed in a transaction (%(default)s)",
    )  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="write everything there as well")
    add(
        "--audit", action=argparse.BooleanOptionalAction, default=True,
        help="audit the book at the end (default: yes)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if not options.batch < options.transfers <= MOST_TRANSFERS:
        parser.error(f"up to {MOST_TRANSFERS:,} transfers, more than go into a batch")
    return options


if __name__ == "__main__":
    main()
