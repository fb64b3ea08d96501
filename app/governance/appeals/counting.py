"""Public numbers of appeals that identify nobody: pure."""

from collections.abc import Mapping
from typing import Any

from app.core.database import Record
from app.governance.appeals.schemas import AppealCounts

FEWEST_SHOWN = 3
ENDINGS = ("upheld", "partly_upheld", "dismissed", "withdrawn", "open")
MONTHS_A_QUARTER = 3


def shown(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Return counts as the public may see them: where some are one or two, none below three.

    Whoever knows that a neighbour appealed must not read off how it ended. Noughts would tell
    that beside a hidden number, and the sum too; so they would where all ended alike.
    """
    there = [counts[name] for name in ENDINGS if counts[name] > 0]
    if len(there) > 1 and min(there) >= FEWEST_SHOWN:
        return {name: count if count == 0 else _unless_few(count) for name, count in counts.items()}
    return {name: _unless_few(count) for name, count in counts.items()} | {"filed": None}


def _unless_few(count: int) -> int | None:
    return count if count >= FEWEST_SHOWN else None


def describe(row: Record) -> AppealCounts:
    counts = {name: getattr(row, name) for name in (*ENDINGS, "filed", "overdue")}
    decided = row.upheld + row.partly_upheld + row.dismissed
    has_median = decided >= FEWEST_SHOWN
    quarter = (row.begins_on.month - 1) // MONTHS_A_QUARTER + 1
    fields: dict[str, Any] = {
        "kind": row.kind,
        "quarter": f"{row.begins_on.year}-Q{quarter}",
        "begins_on": row.begins_on,
        "median_days_to_decide": round(row.median_days, 1) if has_median else None,
    }
    return AppealCounts(**fields, **shown(counts))
