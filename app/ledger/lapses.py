"""When points lapse: pure calendar arithmetic, no database and no clock.

An expiry is {"kind": "never" | "months" | "year_end" | "community", ...}. `months` counts from
the act to the end of that day; `year_end` is the end of the act's year and `grace_days` more.
`community` means whatever the community's policy says. A lapse is a local midnight.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

NEVER = datetime.max.replace(tzinfo=UTC)  # stands for PostgreSQL's infinity
COMMUNITY = "community"
MONTHS_A_YEAR = 12


def lapse_under(
    expiry: dict[str, Any], *, acted_on: date, since: datetime | None, timezone: str
) -> datetime:
    """Return when points of an act lapse: not before an expiry has been on for its full period."""
    lapse = expires_at(expiry, acted_on=acted_on, timezone=timezone)
    if since is None:
        return lapse
    return max(lapse, first_lapse(expiry, since=since, timezone=timezone))


def first_lapse(expiry: dict[str, Any], *, since: datetime, timezone: str) -> datetime:
    """Return when points lapse at the earliest by an expiry that was switched on later.

    One full period on: after so many months, or at the end of the year that a whole year later
    falls into.
    """
    began = since.astimezone(ZoneInfo(timezone)).date()
    if expiry["kind"] == "year_end":
        began = add_months(began, MONTHS_A_YEAR)
    return expires_at(expiry, acted_on=began, timezone=timezone)


def expires_at(expiry: dict[str, Any], *, acted_on: date, timezone: str) -> datetime:
    """Return when points of an act lapse by an expiry that always stood."""
    match expiry["kind"]:
        case "months":
            last_day = add_months(acted_on, int(expiry["months"]))
        case "year_end":
            last_day = date(acted_on.year, MONTHS_A_YEAR, 31)
            last_day += timedelta(days=int(expiry.get("grace_days", 0)))
        case _:
            return NEVER
    return end_of(last_day, timezone)


def end_of(day: date, timezone: str) -> datetime:
    """Return the midnight that ends a day."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))
    return midnight.astimezone(UTC)


def timestamp(moment: datetime) -> str:
    """Return a lapse as PostgreSQL reads it."""
    return "infinity" if moment == NEVER else moment.isoformat()


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    index = day.year * MONTHS_A_YEAR + day.month - 1 + months
    first = date(index // MONTHS_A_YEAR, index % MONTHS_A_YEAR + 1, 1)
    next_first = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), next_first - timedelta(days=1))
