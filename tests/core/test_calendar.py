"""Days and periods, as the clock on a community's wall tells them."""

from datetime import UTC, date, datetime

import pytest

from app.core.calendar import BEGINNING, Period, day_in, local_time, period_start

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("timezone", "moment", "day"),
    [
        (SHANGHAI, datetime(2026, 11, 18, 15, 59, 59, tzinfo=UTC), date(2026, 11, 18)),
        (SHANGHAI, datetime(2026, 11, 18, 16, 0, tzinfo=UTC), date(2026, 11, 19)),
        (SHANGHAI, datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
        ("Asia/Urumqi", datetime(2026, 11, 18, 17, 59, tzinfo=UTC), date(2026, 11, 18)),
        ("Europe/Berlin", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), date(2026, 3, 29)),
        ("America/New_York", datetime(2026, 11, 18, 4, 59, tzinfo=UTC), date(2026, 11, 17)),
    ],
)
def test_a_day_begins_at_midnight_where_the_community_is(
    timezone: str, moment: datetime, day: date
) -> None:
    assert day_in(timezone, moment) == day


@pytest.mark.parametrize(
    ("day", "week", "month", "year"),
    [
        (date(2026, 11, 18), date(2026, 11, 16), date(2026, 11, 1), date(2026, 1, 1)),
        (date(2026, 11, 16), date(2026, 11, 16), date(2026, 11, 1), date(2026, 1, 1)),
        (date(2026, 11, 15), date(2026, 11, 9), date(2026, 11, 1), date(2026, 1, 1)),
        (date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 1), date(2027, 1, 1)),
        (date(2028, 2, 29), date(2028, 2, 28), date(2028, 2, 1), date(2028, 1, 1)),
    ],
)
def test_a_period_begins_on_its_first_day(day: date, week: date, month: date, year: date) -> None:
    assert period_start(Period.DAY, day) == day
    assert period_start(Period.WEEK, day) == week
    assert period_start(Period.MONTH, day) == month
    assert period_start(Period.YEAR, day) == year
    assert period_start(Period.ALL, day) == BEGINNING


@pytest.mark.parametrize("period", Period)
def test_a_periods_first_day_begins_the_same_period(period: Period) -> None:
    first = period_start(period, date(2026, 11, 18))
    assert period_start(period, first) == first


def test_a_moment_is_told_with_its_offset() -> None:
    moment = datetime(2026, 11, 18, 16, 30, 59, tzinfo=UTC)
    assert local_time(SHANGHAI, moment) == "2026-11-19T00:30+08:00"
