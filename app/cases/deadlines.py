"""When a case is due, and when the next step of the ladder is taken: pure, in working time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.core.working_calendar import add_working_time, working_time_between


class Told(StrEnum):
    """Who is told at a step of the ladder."""

    GRID_WORKER = "grid_worker"
    COMMITTEE = "committee"


@dataclass(frozen=True, slots=True)
class Rung:
    """So many working hours after the deadline (before it, if negative), these are told."""

    hours: int
    role: Told


def rungs_of(ladder: Sequence[dict[str, Any]]) -> list[Rung]:
    """Return a stored ladder, from its lowest step up."""
    rungs = [Rung(int(rung["hours"]), Told(rung["role"])) for rung in ladder]
    return sorted(rungs, key=lambda rung: rung.hours)


def due_after(start: datetime, hours: int, *, timezone: str) -> datetime:
    """Return the moment at which so many working hours have passed."""
    return add_working_time(start, timedelta(hours=hours), timezone=timezone)


def left_seconds(now: datetime, due_at: datetime, *, timezone: str) -> int:
    """Return the working time left until a deadline; 0 once it has passed."""
    return int(working_time_between(now, due_at, timezone=timezone).total_seconds())


def due_in(now: datetime, seconds: int, *, timezone: str) -> datetime:
    """Return the deadline that leaves so much working time."""
    return add_working_time(now, timedelta(seconds=seconds), timezone=timezone)


def next_rung_at(
    rungs: Sequence[Rung], taken: int, *, began: datetime, due_at: datetime, timezone: str
) -> datetime | None:
    """Return when the step after `taken` ones is due, or None at the top.

    A step before the deadline is counted from it backwards, but never before the clock began.
    """
    if taken >= len(rungs):
        return None
    hours = rungs[taken].hours
    if hours >= 0:
        return add_working_time(due_at, timedelta(hours=hours), timezone=timezone)
    whole = working_time_between(began, due_at, timezone=timezone)
    before = max(whole + timedelta(hours=hours), timedelta(0))
    return add_working_time(began, before, timezone=timezone)
