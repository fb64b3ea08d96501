"""`python -m tests.bench`: see --help."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from app.core.embedded import EmbeddedPostgresError
from tests.bench import picture, report, wrk
from tests.bench.bench import Bench
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.size import Size
from tests.bench.stage import running_stage

HELP = """\
Measure the hot requests over HTTP, and beside each what PostgreSQL alone would take for it.

A PostgreSQL is started in a temporary folder (TMPDIR chooses the disk) with fsync on and room for
4 GB of WAL, lest a checkpoint come in the middle, and the API as a process of its own with one
worker. In a community of the preset sunshine residents who are signed in and have points enough
check in (always somewhere new, by a rule with two caps), redeem, report hazards with a photo sent
before (which pays at once), look up their rank, a page of the board, the home page, and one
activity: a row by its primary key, to compare a rank with. A clerk looks at vouchers and confirms
them. Requests come over kept-alive connections, one at a time on each; an answer that is not the
expected one ends the run.

The driver is wrk, if there is one on PATH or named by --wrk. Otherwise it is our own, a process
that takes more of the machine for itself and so leaves less for what is measured; the tables say
which one it was. wrk sees refusals only, so our own driver sends everything first, for up to a
second each, and reads every answer. wrk measures whole seconds, and corrects its percentiles for
what a slow answer kept from being sent.

In turn with the API, pgbench does the same in a second community that is just as large:
  check-in    session, activity, revoked code; balance lock, caps and rule; contribution, two
              caps, transfer, seal queue, lot, balance, three standings with the changes of their
              counts; then the exact rank before and after, from the counts
  redeem      session, reward; balance lock, lot, hold, the hold's lot, balance, voucher, stock,
              the answer under its key
  flash sale  the same with the stock's row taken first
  report      the photo kept from deletion, case, its photo, history, content check, two jobs, the
              worker's inbox, the answer under its key; and all that an award writes
  my rank, board page, home, activity  the same SELECTs, without a transaction
always as separate prepared statements (tests/bench/floor), and for check-in and redeem as one
PL/pgSQL function made of the same statements; so the yardstick stays the same while the service
gets better. It is measured after a second in which connections open and prepare. All who redeem
want the same reward, so both sides queue for its stock. Prepare and consume have no floor, nor
have upload, which is picture work, and "sold out", a refusal.

In each round 5,000 residents (or as many as there are) want one of 100 pieces; one that is sold
twice, or not at all, ends the run.

What to read: "app" and "pg" processor time are the steadiest figures, then the ratios, as
both halves of each met the same machine. Rates and milliseconds say little on a machine that does
something else as well. Differences below 15 % prove nothing."""
EPILOG = """\
examples:
  make bench                                          30,000 residents, 1 and 64 clients
  make bench args="--rounds 1 --seconds 2"            a first impression
  make bench args="--residents 1000000 --compare-residents 1000"
                                                      what size costs, in one run
  make bench args="--json bench.json --picture bench.svg"

The driver's own time per request is in the JSON (driver_us). One round with one number of clients
takes 21 times --seconds, 4 more for --compare-residents, and 10 s: a quarter of an hour unless told
otherwise. Communities of 30,000 are founded in seconds, two of a million in minutes; those need
10 GB of disk, 4 GB of it for WAL.
To install wrk: apt install wrk, brew install wrk. Everything is on Unix sockets and the loopback,
and is taken away at the end."""
MOST_CLIENTS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    size: Size
    wrk: str | None
    is_without_wrk: bool
    with_upload: bool
    is_audited: bool
    json_file: Path | None
    picture_file: Path | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    asked = read(arguments)
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, give_up)  # no server is left behind
    try:
        document = measure(asked)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (BenchFailed, EmbeddedPostgresError) as reason:
        sys.exit("\n".join([f"bench: {reason}", *getattr(reason, "__notes__", [])]))
    say("")
    sys.stdout.write(report.as_tables(document) + "\n")
    if asked.json_file is not None:
        asked.json_file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if asked.picture_file is not None:
        asked.picture_file.write_text(picture.draw(document), "utf-8")


def measure(asked: Asked) -> dict[str, Any]:
    """Run all rounds, every number of clients in each, and return what came out."""
    program = None if asked.is_without_wrk else wrk.found(asked.wrk)
    size = asked.size if program is None else asked.size.in_whole_seconds()
    results: dict[int, list[dict[str, Figures]]] = {clients: [] for clients in size.clients}
    sales: list[Figures] = []
    say("Setting up")
    with running_stage(size, program) as stage:
        driver = "our own driver" if program is None else wrk.version_of(program)
        machine = report.describe_machine(stage.server_version()) | {"driver": driver}
        bench = Bench(stage, size, with_upload=asked.with_upload)
        say(f"Warming up, with {driver}")
        bench.warm_up()
        bench.count_statements()
        for turn in range(size.rounds):
            for clients in size.clients:
                # Neither side always comes second, to warmer caches and a fuller disk.
                measured = bench.measure(clients, floor_first=turn % 2 == 1)
                results[clients].append(measured)
                say(progress(turn + 1, clients, measured))
            sales.append(bench.sell(max(size.clients)))
        if asked.is_audited:
            stage.audit()
            say("The books of all communities balance.")
    return report.as_document(machine, size, results, sales)


def read(arguments: Sequence[str] | None) -> Asked:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_sizes(parser)
    add_others(parser)
    options = parser.parse_args(arguments)
    size = Size(options.residents, options.clients, options.rounds, options.seconds, options.fewer)
    if any(each.callers < max(size.clients) for each in (size, size.smaller()) if each):
        parser.error("there must be as many residents as clients")
    return Asked(
        size=size,
        wrk=options.wrk,
        is_without_wrk=options.no_wrk,
        with_upload=options.upload,
        is_audited=options.audit,
        json_file=options.json,
        picture_file=options.picture,
    )


def add_sizes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--residents",
        type=positive,
        default=30_000,
        metavar="N",
        help="in each community, up to 1,000,000; at most 5,000 of them call, spread over all"
        " ranks (%(default)s)",
    )
    add(
        "--compare-residents",
        type=positive,
        metavar="N",
        dest="fewer",
        help="found a third community of so many, and measure there what may depend on it",
    )
    add(
        "--seconds",
        type=seconds,
        default=5.0,
        metavar="S",
        help="per measurement; pgbench and wrk take whole seconds from one upwards (5)",
    )
    add(
        "--clients",
        type=numbers,
        default=(1, 64),
        metavar="N,N",
        help="connections at a time, tables for each number (1,64)",
    )
    add(
        "--rounds",
        type=positive,
        default=3,
        metavar="N",
        help="times that everything is measured (%(default)s)",
    )


def add_others(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    drivers = parser.add_mutually_exclusive_group()
    drivers.add_argument(
        "--wrk", metavar="PATH", help="the wrk to drive with, if not the one on PATH"
    )
    drivers.add_argument("--no-wrk", action="store_true", help="use our own driver in any case")
    add("--upload", action="store_true", help="send photos of 12 megapixels as well, by our driver")
    add("--json", type=Path, metavar="FILE", help="write everything there as well")
    add("--picture", type=Path, metavar="FILE", help="draw an SVG of what the requests cost")
    add(
        "--audit",
        action="store_true",
        help="recompute all books at the end: the work was really done (not for a million)",
    )


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
    rates = (f"{name} {figures['per_second']:,.0f}/s" for name, figures in measured.items())
    return f"Round {turn}, {report.counted(clients)}: {', '.join(rates)}"


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def give_up(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
