"""What the program prints and writes: medians of the rounds, with the least and the most."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tests.bench.hot import Figures
from tests.bench.ledger.ends import JOBS
from tests.bench.ledger.size import Size
from tests.bench.report import NOTE, counted, summarise, table

LEGEND = f"""\
app, pg     processor time of this process and of PostgreSQL for one operation, or one wallet
statements  BEGIN and COMMIT included; trips: how often the database was waited for
separate    the same rows as separate prepared statements, sent by pgbench
one         the same rows as one prepared statement; of clear and halve, 500 wallets at a time
pg ÷, CPU ÷ pg, and app + pg, ÷ the floor's pg
Medians of the rounds, below them the least and the most. {NOTE}"""
COST = {
    "per_second": "a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "seconds": "seconds",
    "rerun_seconds": "again, s",
    "app_us": "app µs",
    "postgres_us": "pg µs",
    "statements": "statements",
    "round_trips": "trips",
}
RATIOS = {
    "per_second": "a second",
    **{
        f"{floor}_{figure}": f"{floor} {title}"
        for floor in ("separate", "one")
        for figure, title in (
            ("per_second", "/s"),
            ("postgres_us", "pg µs"),
            ("rate_ratio", "rate ÷"),
            ("postgres_ratio", "pg ÷"),
            ("cpu_ratio", "CPU ÷"),
        )
    },
}


def as_document(
    machine: dict[str, Any], size: Size, rounds: Sequence[dict[str, Figures]]
) -> dict[str, Any]:
    """Return everything that was measured, for `--json`."""
    return {
        "machine": machine,
        "size": asdict(size),
        "note": NOTE,
        "results": [
            {
                "request": name,
                "summary": summarise([measured[name] for measured in rounds]),
                "rounds": [measured[name] for measured in rounds],
            }
            for name in rounds[0]
        ],
    }


def as_tables(document: dict[str, Any]) -> str:
    """Return the document as people read it."""
    machine, size, rows = document["machine"], document["size"], document["results"]
    operations = [row for row in rows if row["request"] not in JOBS]
    jobs = [row for row in rows if row["request"] in JOBS]
    of_operations = {name: title for name, title in COST.items() if "seconds" not in name}
    of_jobs = {name: title for name, title in COST.items() if "_ms" not in name}
    return "\n".join([
        "{cores} cores ({architecture}), load {load} before, Python {python}, "
        "PostgreSQL {postgresql} on {file_system}, durable".format_map(machine),
        "{residents:,} wallets, many lots are {lots:,}, {rounds} × {seconds:g} s".format_map(size),
        "", f"Operations, {counted(size['clients'])}", *table(operations, of_operations),
        "", "Beside pgbench", *table(operations, RATIOS),
        "", "Jobs over all wallets", *table(jobs, of_jobs),
        "", "Beside pgbench", *table(jobs, RATIOS),
        "", LEGEND,
    ])  # fmt: skip
