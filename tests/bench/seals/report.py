"""What the program prints and writes."""

from collections.abc import Mapping
from typing import Any

from tests.bench.hot import Figures
from tests.bench.report import NOTE, shown

LEGEND = f"""\
app, pg  processor time of this process and of PostgreSQL for one transfer
floor    the same rows taken from a queue and put into seals by one bare statement a batch
{NOTE}"""
TABLES = {
    "A batch in a transaction": (
        {"seal": "sealing", "floor": "floor"},
        {
            "per_second": "transfers/s", "app_us": "app µs", "postgres_us": "pg µs",
            "p50_ms": "batch p50 ms", "p99_ms": "p99 ms", "most_ms": "most ms",
        },
    ),
    "Bytes a transfer, indexes included": (
        {"tables": ""},
        {
            "seals_bytes": "seals", "tree_nodes_bytes": "tree_nodes",
            "checkpoints_bytes": "checkpoints",
        },
    ),
    "Proofs in the whole tree": (
        {"receipt": "receipt", "consistency": "consistency"},
        {
            "make_p50_ms": "made p50 ms", "make_p99_ms": "p99 ms",
            "check_p50_ms": "checked p50 ms", "check_p99_ms": "p99 ms",
            "most_bytes": "most bytes", "most_hashes": "most hashes",
        },
    ),
    "Audit": (
        {"audit": ""},
        {
            "seconds": "seconds", "per_second": "transfers/s", "rows": "rows", "pages": "pages",
            "app_us": "app µs", "postgres_us": "pg µs", "before_mb": "MB before",
            "most_mb": "MB at most",
        },
    ),
}  # fmt: skip


def as_document(
    machine: dict[str, Any], size: dict[str, int], results: Mapping[str, Figures]
) -> dict[str, Any]:
    """Return everything that was measured, for `--json`."""
    return {"machine": machine, "size": size, "note": NOTE, "results": dict(results)}


def as_tables(document: dict[str, Any]) -> str:
    """Return the document as people read it."""
    results = document["results"]
    lines = [
        "{cores} cores ({architecture}), load {load} before, Python {python}, "
        "PostgreSQL {postgresql} on {file_system}, durable".format_map(document["machine"]),
        "{transfers:,} transfers of {residents:,} residents, {batch:,} a batch".format_map(
            document["size"]
        ),
    ]
    for title, (rows, columns) in TABLES.items():
        there = {name: label for name, label in rows.items() if name in results}
        if there:
            lines += ["", title, *_table(there, columns, results)]
    return "\n".join([*lines, "", LEGEND])


def _table(
    rows: Mapping[str, str], columns: Mapping[str, str], results: Mapping[str, Figures]
) -> list[str]:
    cells = [["", *columns.values()]]
    for name, label in rows.items():
        figures = [results[name].get(column) for column in columns]
        cells.append([label, *("" if figure is None else shown(figure) for figure in figures)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([label.ljust(widths[0]), *map(str.rjust, row, widths[1:])]).rstrip()
        for label, *row in cells
    ]
