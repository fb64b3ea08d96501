"""`python -m tests.bench.lists`: see --help."""

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from app.contributions.lists.tables import MAX_ROWS
from app.core.database import make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgresError
from tests.bench.__main__ import give_up, positive, say
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.lists.floor import run_floor
from tests.bench.lists.measuring import measure_duties, measure_list
from tests.bench.lists.stage import Stage, running_stage
from tests.bench.report import NOTE, describe_machine, shown

HELP = """\
Measure award lists of several sizes and a duty of everybody, in a community as large.

A PostgreSQL is started in a temporary folder (TMPDIR chooses the disk) with fsync on. Each list is
a workbook that names residents by phone and name; it is read, checked, stored and posted by the
service's own functions and job. The floor is the same rows of the same tables, written by bare
statements of a thousand rows each, in a second community: nothing is locked or looked up there.
Memory is what the check holds at most, as Python counts it."""
COLUMNS = {
    "rows": "rows", "file_kb": "file kB", "read_seconds": "read s", "check_seconds": "check s",
    "check_statements": "statements", "memory_mb": "MB", "store_seconds": "store s",
    "store_statements": "statements", "floor_store_seconds": "floor s", "post_seconds": "post s",
    "post_statements": "statements", "floor_post_seconds": "floor s",
}  # fmt: skip
DUTY_COLUMNS = {
    "rows": "holders", "months": "months", "assign_seconds": "assign s",
    "assign_statements": "statements", "post_seconds": "award s",
    "post_statements": "statements", "idle_seconds": "nothing to do s",
    "idle_statements": "statements",
}  # fmt: skip


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
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Measure everything once, print it, and return what came out."""
    say("Setting up")
    with running_stage(max(*options.rows, options.holders)) as stage:
        machine = describe_machine(stage.server_version)
        lists, duties = uvloop.run(run(stage, options))
    sys.stdout.write(
        "{cores} cores ({architecture}), load {load} before, Python {python}, "
        "PostgreSQL {postgresql} on {file_system}, durable\n".format_map(machine)
    )
    sys.stdout.write(f"\nAward lists\n{table(COLUMNS, lists)}\n")
    sys.stdout.write(f"\nDuties\n{table(DUTY_COLUMNS, [duties])}\n\n{NOTE}\n")
    return {"machine": machine, "note": NOTE, "lists": lists, "duties": duties}


async def run(stage: Stage, options: argparse.Namespace) -> tuple[list[Figures], Figures]:
    engine = make_engine(stage.url, pool_size=2)
    maker = make_sessionmaker(engine)
    lists = []
    start = 0
    try:
        for days_ago, rows in enumerate(options.rows, start=2):
            say(f"A list of {rows:,} rows")
            floor = await run_floor(maker, stage.floor, rows, start=start)
            start += rows
            figures = await measure_list(stage, engine, maker, rows, days_ago=days_ago)
            lists.append(figures | floor)
        say(f"A duty of {options.holders:,}")
        return lists, await measure_duties(stage, engine, maker, options.holders)
    finally:
        await engine.dispose()


def table(columns: Mapping[str, str], rows: Sequence[Figures]) -> str:
    """Return figures as people read them."""
    cells = [[*columns.values()], *([shown(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.rjust, line, widths)) for line in cells)


def read(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.lists", description=HELP,
        epilog="Everything is on Unix sockets and is taken away at the end.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add(
        "--rows", type=positive, nargs="+", default=[1000, 5000, 10_000], metavar="N",
        help="of the lists, one after the other (%(default)s)",
    )  # fmt: skip
    add("--holders", type=positive, default=5000, metavar="N", help="of the duty (%(default)s)")
    add("--json", type=Path, metavar="FILE", help="write everything there as well")
    options = parser.parse_args(arguments)
    if max(options.rows) > MAX_ROWS:
        parser.error(f"a list has up to {MAX_ROWS:,} rows")
    return options


if __name__ == "__main__":
    main()
