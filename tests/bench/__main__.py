"""`python -m tests.bench`: see --help."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from app.core.embedded import EmbeddedPostgresError
from tests.bench import report
from tests.bench.errors import BenchFailed
from tests.bench.hot import NAMES, Bench, Figures
from tests.bench.size import Size
from tests.bench.stage import running_stage

HELP = """\
Measure the hot requests over HTTP, and beside each what PostgreSQL alone would take for it.

A PostgreSQL is started in a temporary folder (TMPDIR chooses the disk) with fsync on, and the
API as a process of its own with one worker. In a community of the preset sunshine, residents who
are signed in and have points enough check in (always somewhere new), redeem, report hazards with a
photo sent before (which pays at once), look up their rank, open the home page and send photos of
12 megapixels; a clerk looks at vouchers and confirms them. Requests come over kept-alive
connections from another process, one at a time on each; an answer with another status than the
expected one ends the run.

In turn with the API, pgbench does the same in a second community that is just as large:
  check-in  contribution, transfer, seal queue, lot, balance, three standings; then the rank count
  redeem    balance lock, lot, hold, the hold's lot, balance, voucher, stock; everybody buys the
            same lunch, so both sides queue for its stock
  report    the photo kept from deletion, case, its photo, history, content check, two jobs, the
            worker's inbox, the answer under its key; and all that a check-in writes
  my rank, home  the same SELECTs, without a transaction
always as separate prepared statements (tests/bench/floor), so that the yardstick stays the same
while the service gets better. Prepare and consume have no floor; nor has upload, as its work is
the picture, not rows.

What to read: "app" and "pg" processor time are the steadiest figures, then the two ratios, as
both halves of each met the same machine. Rates and milliseconds say little on a machine that does
something else as well. Differences below 15 % prove nothing."""
EPILOG = """\
The driver takes its share of this machine: its time per request is in the JSON (driver_us). One
round with one number of clients takes thirteen times --seconds, eight requests and five floors;
setting up and warming up take half a minute. Everything is on Unix sockets and the loopback, and
is taken away at the end."""
MOST_CLIENTS = 200


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
        sys.exit("\n".join([f"bench: {reason}", *getattr(reason, "__notes__", [])]))
    say("")
    sys.stdout.write(report.as_tables(document) + "\n")
    if json_file is not None:
        json_file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def measure(size: Size, *, is_audited: bool) -> dict[str, object]:
    """Run all rounds, every number of clients in each, and return what came out."""
    results: dict[int, list[dict[str, Figures]]] = {clients: [] for clients in size.clients}
    say("Setting up")
    with running_stage(size) as stage:
        machine = report.describe_machine(stage.server_version())
        bench = Bench(stage, size)
        bench.warm_up()
        for turn in range(size.rounds):
            for clients in size.clients:
                # Neither side always comes second, to warmer caches and a fuller disk.
                measured = bench.measure(clients, floor_first=turn % 2 == 1)
                results[clients].append(measured)
                say(progress(turn + 1, clients, measured))
        if is_audited:
            stage.audit()
            say("The books of both communities balance.")
    return report.as_document(machine, size, results)


def read(arguments: Sequence[str] | None) -> tuple[Size, Path | None, bool]:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--residents",
        type=positive,
        default=2_000,
        metavar="N",
        help="in each community; at most 2,000 of them call, spread over all ranks (%(default)s)",
    )
    add(
        "--seconds",
        type=seconds,
        default=5.0,
        metavar="S",
        help="per measurement; pgbench takes whole seconds from one upwards (5)",
    )
    add(
        "--clients",
        type=numbers,
        default=(1, 16),
        metavar="N,N",
        help="connections at a time, one table for each number (1,16)",
    )
    add(
        "--rounds",
        type=positive,
        default=3,
        metavar="N",
        help="times that everything is measured (%(default)s)",
    )
    add("--json", type=Path, metavar="FILE", help="write everything there as well")
    add(
        "--audit",
        action="store_true",
        help="recompute both communities' books at the end: the work was really done",
    )
    options = parser.parse_args(arguments)
    size = Size(options.residents, options.clients, options.rounds, options.seconds)
    if size.callers < max(size.clients):
        parser.error("there must be as many residents as clients")
    return size, options.json, options.audit


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("from 1 upwards")
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 120:
        raise argparse.ArgumentTypeError("from 0.1 to 120")
    return value


def numbers(text: str) -> tuple[int, ...]:
    values = tuple(dict.fromkeys(positive(part) for part in text.split(",")))
    if max(values) > MOST_CLIENTS:
        raise argparse.ArgumentTypeError(f"at most {MOST_CLIENTS}")
    return values


def progress(turn: int, clients: int, measured: dict[str, Figures]) -> str:
    rates = (f"{name} {measured[name]['per_second']:,.0f}/s" for name in NAMES)
    return f"Round {turn}, {report.counted(clients)}: {', '.join(rates)}"


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def give_up(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
