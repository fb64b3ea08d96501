"""Working time, over weekends, holidays, make-up days and changed clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.working_calendar import (
    add_working_time,
    is_known_year,
    is_working_day,
    working_time_between,
)

SHANGHAI = "Asia/Shanghai"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Clocks that change at two, at midnight, at one minute past midnight, and one that left a
# whole day out.
timezones = st.sampled_from(
    [
        SHANGHAI,
        "Asia/Urumqi",
        "Europe/Berlin",
        "America/Santiago",
        "Asia/Beirut",
        "Africa/Cairo",
        "America/St_Johns",
        "Pacific/Apia",
    ]
)
moments = st.integers(0, 28 * 365 * 24 * 60).map(
    lambda minutes: datetime(2003, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
durations = st.timedeltas(timedelta(0), timedelta(days=40))


def shanghai(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(SHANGHAI))


def midnight(day: date, timezone: str) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    return local.astimezone(UTC)


def test_national_day_2026_is_off_from_the_first_to_the_seventh() -> None:
    october = [date(2026, 10, day) for day in range(1, 12)]
    assert [day.day for day in october if is_working_day(day)] == [8, 9, 10]


@pytest.mark.parametrize("day", [date(2026, 9, 20), date(2026, 10, 10), date(2026, 2, 14)])
def test_a_weekend_day_made_up_for_a_holiday_is_worked(day: date) -> None:
    assert day.weekday() >= 5
    assert is_working_day(day)


def test_an_ordinary_weekend_is_off() -> None:
    assert not is_working_day(date(2026, 11, 21))
    assert not is_working_day(date(2026, 11, 22))


def test_years_of_the_table_are_known_and_others_count_monday_to_friday() -> None:
    assert is_known_year(2026)
    assert not is_known_year(2003)
    assert not is_known_year(2099)
    week = [date(2099, 10, day) for day in range(1, 8)]
    assert [is_working_day(day) for day in week] == [day.weekday() < 5 for day in week]


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (shanghai(9, 29, 15), 24, shanghai(9, 30, 15)),
        (shanghai(9, 30, 15), 24, shanghai(10, 8, 15)),  # over National Day
        (shanghai(10, 3, 9), 24, shanghai(10, 9)),  # begins with Thursday the eighth
        (shanghai(10, 9, 9), 24, shanghai(10, 10, 9)),  # the Saturday is worked
        (shanghai(10, 10, 9), 24, shanghai(10, 12, 9)),  # the Sunday is not
        (shanghai(9, 19, 12), 12, shanghai(9, 20, 12)),  # the Sunday before is worked
        (shanghai(11, 20, 0), 24, shanghai(11, 21)),  # all of Friday ends at its midnight
        (shanghai(11, 21, 0), 1, shanghai(11, 23, 1)),
        (shanghai(11, 21, 18), 0, shanghai(11, 23)),
        (shanghai(11, 20, 18), 0, shanghai(11, 20, 18)),
    ],
)
def test_a_deadline_waits_for_working_days(start: datetime, hours: int, end: datetime) -> None:
    due = add_working_time(start, hours * HOUR, timezone=SHANGHAI)
    assert due == end
    assert due.tzinfo is UTC
    assert working_time_between(start, end, timezone=SHANGHAI) == hours * HOUR


def test_the_day_is_that_of_the_community() -> None:
    """Friday 17:00 in Greenwich is Saturday in Shanghai, but still Friday in Berlin."""
    start = datetime(2026, 11, 20, 17, tzinfo=UTC)
    in_shanghai = add_working_time(start, HOUR, timezone=SHANGHAI)
    assert in_shanghai == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert add_working_time(start, HOUR, timezone="Europe/Berlin") == start + HOUR


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Africa/Cairo", date(2026, 4, 24), 23),  # midnight is left out
        ("Africa/Cairo", date(2026, 10, 29), 25),  # the last hour comes twice
        ("Pacific/Apia", date(2011, 12, 30), 0),  # a Friday that Samoa left out
        (SHANGHAI, date(2026, 11, 20), 24),
    ],
)
def test_a_working_day_has_the_hours_that_it_has_there(
    timezone: str, day: date, hours: int
) -> None:
    start, end = midnight(day, timezone), midnight(day + DAY, timezone)
    assert is_working_day(day)
    assert working_time_between(start, end, timezone=timezone) == hours * HOUR


def test_nothing_passes_between_a_moment_and_an_earlier_one() -> None:
    start = shanghai(11, 19)
    assert working_time_between(start, start, timezone=SHANGHAI) == timedelta(0)
    assert working_time_between(start, start - DAY, timezone=SHANGHAI) == timedelta(0)


def test_working_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        add_working_time(shanghai(11, 19), -HOUR, timezone=SHANGHAI)


@given(moments, durations, timezones)
@example(datetime(2011, 12, 29, 9, tzinfo=UTC), 3 * DAY, "Pacific/Apia")
@example(datetime(2010, 11, 5, 2, tzinfo=UTC), 2 * DAY, "America/St_Johns")
def test_what_was_added_lies_between(start: datetime, duration: timedelta, timezone: str) -> None:
    end = add_working_time(start, duration, timezone=timezone)
    assert end >= start
    assert working_time_between(start, end, timezone=timezone) == duration


@given(moments, durations, durations, timezones)
def test_more_time_ends_no_earlier(
    start: datetime, one: timedelta, other: timedelta, timezone: str
) -> None:
    less, more = sorted([one, other])
    assert add_working_time(start, less, timezone=timezone) <= add_working_time(
        start, more, timezone=timezone
    )


@given(moments, moments, durations, timezones)
def test_a_later_start_ends_no_earlier(
    one: datetime, other: datetime, duration: timedelta, timezone: str
) -> None:
    earlier, later = sorted([one, other])
    assert add_working_time(earlier, duration, timezone=timezone) <= add_working_time(
        later, duration, timezone=timezone
    )


@given(moments, durations)
@example(datetime(2026, 11, 19, 16, tzinfo=UTC), DAY)
def test_a_deadline_is_on_a_day_off_only_at_its_first_moment(
    start: datetime, duration: timedelta
) -> None:
    end = add_working_time(start, duration, timezone=SHANGHAI)
    day = end.astimezone(ZoneInfo(SHANGHAI)).date()
    assert is_working_day(day) or end == midnight(day, SHANGHAI)


@given(st.lists(moments, min_size=3, max_size=3), timezones)
def test_working_time_adds_up(points: list[datetime], timezone: str) -> None:
    first, middle, last = sorted(points)
    whole = working_time_between(first, last, timezone=timezone)
    before = working_time_between(first, middle, timezone=timezone)
    assert whole == before + working_time_between(middle, last, timezone=timezone)
    assert whole <= last - first
