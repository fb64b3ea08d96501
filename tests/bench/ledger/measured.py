"""What something took: on the clock, in this process, in PostgreSQL, over the wire."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.hot import MICROSECONDS, Figures
from tests.bench.ledger.relay import Count
from tests.bench.pgbench import Floor
from tests.bench.processes import cpu_seconds


@dataclass(slots=True)
class Used:
    """Seconds on the clock, of this process and of PostgreSQL."""

    seconds: float = 0.0
    app: float = 0.0
    postgres: float = 0.0

    def each(self, count: int) -> Figures:
        """Return what one of so many took."""
        return {
            "requests": count,
            "per_second": count / self.seconds,
            "app_us": self.app / count * MICROSECONDS,
            "postgres_us": self.postgres / count * MICROSECONDS,
        }


@contextmanager
def measuring(server_pid: int) -> Iterator[Used]:
    """Yield what the block will have used when it ends."""
    used = Used()
    server, app, began = cpu_seconds(server_pid), time.process_time(), time.perf_counter()
    yield used
    used.seconds, used.app = time.perf_counter() - began, time.process_time() - app
    used.postgres = cpu_seconds(server_pid) - server


def per(before: Count, after: Count, count: int) -> Figures:
    """Return statements and round trips of one of so many."""
    return {
        "statements": (after.statements - before.statements) / count,
        "round_trips": (after.round_trips - before.round_trips) / count,
    }


def floor_figures(prefix: str, floor: Floor) -> Figures:
    return {f"{prefix}_per_second": floor.per_second, f"{prefix}_postgres_us": floor.postgres_us}


def ratios(figures: Figures, floors: Figures) -> Figures:
    """Compare with both floors: how often, and for how much processor time."""
    used = figures["app_us"] + figures["postgres_us"]
    compared = {}
    for prefix in ("separate", "one"):
        floor_us = floors[f"{prefix}_postgres_us"]
        compared[f"{prefix}_rate_ratio"] = figures["per_second"] / floors[f"{prefix}_per_second"]
        compared[f"{prefix}_postgres_ratio"] = (
            figures["postgres_us"] / floor_us if floor_us else 0.0
        )
        compared[f"{prefix}_cpu_ratio"] = used / floor_us if floor_us else 0.0
    return compared
