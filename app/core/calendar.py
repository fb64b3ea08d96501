"""Days, weeks, months and years of a community, as its own clock on the wall tells them."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

BEGINNING = date(1970, 1, 1)


class Period(StrEnum):
    """A stretch of the calendar that boards and caps count in; `all` never ends."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


def day_in(timezone: str, moment: datetime) -> date:
    """Return the local date of a moment."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def in_zone(timezone: str, moment: datetime) -> datetime:
    """Return a moment as the clock on the wall there shows it."""
    return moment.astimezone(ZoneInfo(timezone))


def local_time(timezone: str, moment: datetime) -> str:
    """Return a moment as people there read it, to the minute and with its offset."""
    return moment.astimezone(ZoneInfo(timezone)).isoformat(timespec="minutes")


def period_start(period: Period, day: date) -> date:
    """Return the first day of the period that this day lies in; weeks start on Monday."""
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)
        case Period.ALL:
            return BEGINNING
