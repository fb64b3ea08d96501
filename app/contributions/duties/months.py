"""Which months of a duty are over, and from when it had to be held: pure calendar."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# So many months back is caught up what no worker was there to award.
MONTHS_BACK = 3


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month by its first day."""

    first: date

    @property
    def last(self) -> date:
        return self.first.replace(day=monthrange(self.first.year, self.first.month)[1])

    @property
    def latest_start(self) -> date:
        """The last day on which a duty could begin to be held for half of the days or more."""
        half = -(-self.last.day // 2)
        return self.last - timedelta(days=half - 1)

    @property
    def occasion(self) -> str:
        return self.first.isoformat()[:7]

    def last_moment(self, timezone: str) -> datetime:
        """Return the last second of the month there."""
        return datetime.combine(self.last, time(23, 59, 59), tzinfo=ZoneInfo(timezone))


def ended_months(today: date) -> Sequence[Month]:
    """Return the last three months that are over, oldest first."""
    months = []
    first = today.replace(day=1)
    for _ in range(MONTHS_BACK):
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(Month(first))
    return months[::-1]
