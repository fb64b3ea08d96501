"""Working time, as the Chinese calendar of holidays and make-up days counts it.

The table is the State Council's, by the package `chinesecalendar`; a year it does not know yet
counts Monday to Friday. The clock of working time runs through all 24 hours of a working day
(23 or 25 where the zone changes its clocks) and stands still on days off.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from chinese_calendar import holidays, workdays  # type: ignore[import-untyped]

_known_years = frozenset(day.year for day in holidays)
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


def is_known_year(year: int) -> bool:
    """Tell whether holidays and make-up days of this year are known."""
    return year in _known_years


def is_working_day(day: date) -> bool:
    """Tell whether China works on this day."""
    # The package's own question takes 50 µs and raises for years that it does not know.
    return day in workdays or (day.weekday() < _SATURDAY and day not in holidays)


def add_working_time(start: datetime, duration: timedelta, *, timezone: str) -> datetime:
    """Return the moment, in UTC, at which so much working time has passed since `start`.

    On a day off the clock starts at the next working midnight. A duration that ends with a
    working day ends at that midnight, though a day off may begin there; the result is never
    later inside a day off. Raises ValueError if the duration is negative.
    """
    if duration < timedelta(0):
        raise ValueError("working time runs forward only")
    moment = start.astimezone(UTC)
    for opens_at, closes_at in _working_spans(moment, ZoneInfo(timezone)):
        begin = max(moment, opens_at)
        if duration <= closes_at - begin:
            return begin + duration
        duration -= closes_at - begin
    raise AssertionError("working days never end")  # pragma: no cover


def working_time_between(start: datetime, end: datetime, *, timezone: str) -> timedelta:
    """Return the working time from start to end, nothing if the end comes first."""
    since, until = start.astimezone(UTC), end.astimezone(UTC)
    passed = timedelta(0)
    for opens_at, closes_at in _working_spans(since, ZoneInfo(timezone)):
        if opens_at >= until:
            break
        passed += max(timedelta(0), min(until, closes_at) - max(since, opens_at))
    return passed


def _working_spans(moment: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield, in UTC, when working days begin and end that are not over at the moment."""
    # Where clocks change at midnight the wall may show a day before or after the one that
    # midnights divide; the day before is looked at too.
    first = moment.astimezone(zone).date() - _ONE_DAY
    for (day, opens_at), (_, closes_at) in pairwise(_midnights(first, zone)):
        if closes_at > moment and is_working_day(day):
            yield opens_at, closes_at


def _midnights(day: date, zone: ZoneInfo) -> Iterator[tuple[date, datetime]]:
    """Yield each day from this one on with the moment, in UTC, at which it begins."""
    while True:
        yield day, datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
        day += _ONE_DAY
