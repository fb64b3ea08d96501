"""Which days a statement covers: pure calendar arithmetic."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.ledger.statement.errors import PeriodBackwards
from app.statements.errors import PeriodTooLong

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Days:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date

    def moments(self, timezone: str) -> tuple[datetime, datetime]:
        """Return when the first day begins and when the day after the last does."""
        zone = ZoneInfo(timezone)
        ends = (self.first, self.last + timedelta(days=1))
        since, until = (datetime.combine(day, time.min, zone) for day in ends)
        return since, until


def choose_days(first: date | None, last: date | None, *, today: date) -> Days:
    """Return the days asked for, up to today: the last one's year so far, unless it says more.

    Raises PeriodBackwards and PeriodTooLong.
    """
    until = min(last or today, today)
    since = first or until.replace(month=1, day=1)
    if since > until:
        raise PeriodBackwards
    days = (until - since).days + 1
    if days > MOST_DAYS:
        raise PeriodTooLong(days=days, most_days=MOST_DAYS)
    return Days(since, until)
