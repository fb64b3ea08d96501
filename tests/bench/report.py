"""What the program prints and writes: medians of the rounds, with the least and the most."""

import os
import platform
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from tests.bench.hot import ACTIVITY, BY_SIZE, FLOORS, MY_RANK, Figures
from tests.bench.size import Size

NOTE = "Differences below 15 % prove nothing."
LEGEND = f"""\
app, pg     processor time of the API and of PostgreSQL for one request
statements  that one request sends to PostgreSQL, BEGIN and COMMIT included
floor       the same rows or reads as separate prepared statements, sent by pgbench
function    the same in one PL/pgSQL function
rate ÷      requests/s ÷ the floor's; behind the function, ÷ the function's
CPU ÷       (app + pg) ÷ the floor's pg, or the function's
Medians of the rounds, below them the least and the most. {NOTE}"""
COLUMNS = {
    "per_second": "requests/s",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "app_us": "app µs",
    "postgres_us": "pg µs",
    "statements": "statements",
}
FLOOR_COLUMNS = {
    "floor_per_second": "floor/s",
    "floor_pgbench_us": "pgbench µs",
    "floor_postgres_us": "floor pg µs",
    "rate_ratio": "rate ÷",
    "cpu_ratio": "CPU ÷",
    "function_per_second": "function/s",
    "function_postgres_us": "function pg µs",
    "function_rate_ratio": "rate ÷",
    "function_cpu_ratio": "CPU ÷",
}
SIZE_COLUMNS = {
    "app_us": "app µs",
    "postgres_us": "pg µs",
    "fewer_app_us": "fewer: app µs",
    "fewer_postgres_us": "fewer: pg µs",
    "size_ratio": "CPU ÷ fewer",
}

Rounds = Sequence[Mapping[str, Figures]]
Row = dict[str, Any]


def describe_machine(server_version: str) -> dict[str, Any]:
    """Name what the figures hold for."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgresql": server_version,
        "file_system": file_system_of(Path(tempfile.gettempdir()).resolve()),
    }


def file_system_of(folder: Path) -> str:
    disks = [
        disk for disk in psutil.disk_partitions(all=True) if folder.is_relative_to(disk.mountpoint)
    ]
    closest = max(disks, key=lambda disk: len(disk.mountpoint), default=None)
    return "unknown" if closest is None else closest.fstype


def summarise(rounds: Sequence[Figures]) -> dict[str, dict[str, float]]:
    """Return median, least and most of every figure."""
    return {
        name: {
            "median": statistics.median(values),
            "min": min(values),
            "max": max(values),
        }
        for name in rounds[0]
        for values in [[figures[name] for figures in rounds]]
    }


def as_document(
    machine: dict[str, Any], size: Size, results: Mapping[int, Rounds], sales: Sequence[Figures]
) -> dict[str, Any]:
    """Return everything that was measured, for `--json`."""
    return {
        "machine": machine,
        "size": asdict(size),
        "note": NOTE,
        "results": [
            {
                "clients": clients,
                "request": name,
                "summary": summarise([measured[name] for measured in rounds]),
                "rounds": [measured[name] for measured in rounds],
            }
            for clients, rounds in results.items()
            for name in rounds[0]
        ],
        "sales": list(sales),
    }


def as_tables(document: dict[str, Any]) -> str:
    """Return the document as people read it."""
    machine, size = document["machine"], document["size"]
    lines = [
        described(machine),
        "{residents:,} residents, {rounds} × {seconds:g} s, driven by {driver}".format_map(
            size | machine
        ),
    ]
    for clients in size["clients"]:
        rows = [row for row in document["results"] if row["clients"] == clients]
        floored = [row for row in rows if row["request"] in FLOORS]
        lines += ["", f"{counted(clients)}, {machine['driver']}", *table(rows)]
        lines += ["", f"{counted(clients)}, beside the floor", *table(floored, FLOOR_COLUMNS)]
        if size["fewer"] is not None:
            beside = f"{size['residents']:,} residents beside {size['fewer']:,}"
            lines += ["", f"{counted(clients)}, {beside}", *table(by_size(rows), SIZE_COLUMNS)]
        lines += ["", *said_of_ranks(rows)]
    return "\n".join([*lines, "", *map(said_of_sale, document["sales"]), "", LEGEND])


def described(machine: Mapping[str, Any]) -> str:
    return (
        "{cores} cores ({architecture}), load {load} before, Python {python}, "
        "PostgreSQL {postgresql} on {file_system}, durable"
    ).format_map(machine)


def by_size(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["request"] in BY_SIZE]


def said_of_ranks(rows: Sequence[Row]) -> Iterator[str]:
    """Compare my rank with a row read by its primary key, over the same API."""
    rank, key_read = (
        next(row["summary"] for row in rows if row["request"] == name)
        for name in (MY_RANK, ACTIVITY)
    )
    costs = [
        sum(summary[name]["median"] for name in ("app_us", "postgres_us"))
        for summary in (rank, key_read)
    ]
    in_database = [summary["postgres_us"]["median"] for summary in (rank, key_read)]
    if all(costs) and all(in_database):
        yield (
            f"My rank costs {costs[0] / costs[1]:.2f} times what a row by its primary key costs"
            f" (activity), in the database {in_database[0] / in_database[1]:.2f} times."
        )


def said_of_sale(sale: Mapping[str, float]) -> str:
    return (
        "Flash sale: {sold:,} of {pieces:,} pieces sold to {residents:,} residents who all asked,"
        " {clients} clients, {seconds:.1f} s; {oversold} oversold."
    ).format_map(sale)


def counted(clients: int) -> str:
    return "1 client" if clients == 1 else f"{clients} clients"


def table(rows: Sequence[Row], columns: Mapping[str, str] = COLUMNS) -> Iterator[str]:
    """Yield a line of medians and, of several rounds, one of extremes for each request."""
    lines = [["", *columns.values()]]
    for row in rows:
        figures = [row["summary"].get(name) for name in columns]
        lines.append([row["request"], *(median_of(figure) for figure in figures)])
        if len(row["rounds"]) > 1:
            lines.append(["", *(extremes_of(figure) for figure in figures)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *figures in lines:
        aligned = map(str.rjust, figures, widths[1:])
        yield "  ".join([name.ljust(widths[0]), *aligned]).rstrip()


def median_of(figure: dict[str, float] | None) -> str:
    return "" if figure is None else shown(figure["median"])


def extremes_of(figure: dict[str, float] | None) -> str:
    return "" if figure is None else f"{shown(figure['min'])}–{shown(figure['max'])}"


def shown(figure: float) -> str:
    """Return three digits that count."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"
