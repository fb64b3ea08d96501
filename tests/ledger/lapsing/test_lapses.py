"""When points lapse: month ends, leap years, year ends with grace, local midnight."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.lapses import NEVER, expires_at, first_lapse, lapse_under

SHANGHAI = "Asia/Shanghai"
# Zones whose midnights all exist: clocks change at other hours there.
some_zone = st.sampled_from([SHANGHAI, "UTC", "America/New_York", "Asia/Kathmandu",
                             "Pacific/Kiritimati", "Pacific/Pago_Pago"])  # fmt: skip
some_day = st.dates(date(2024, 1, 1), date(2100, 12, 31))
some_moment = st.integers(0, 75 * 365 * 24).map(
    lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
)
some_expiry = st.one_of(
    st.builds(lambda months: {"kind": "months", "months": months}, st.integers(1, 120)),
    st.builds(lambda days: {"kind": "year_end", "grace_days": days}, st.integers(0, 366)),
    st.just({"kind": "year_end"}),
)


def last_day(expiry: dict[str, Any], acted_on: date, timezone: str = SHANGHAI) -> date:
    """Return the last local day on which the points can be spent."""
    lapse = expires_at(expiry, acted_on=acted_on, timezone=timezone)
    return (lapse - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()


@pytest.mark.parametrize(
    ("acted_on", "months", "expected"),
    [
        (date(2026, 11, 18), 1, date(2026, 12, 18)),
        (date(2026, 11, 18), 2, date(2027, 1, 18)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
        (date(2028, 1, 28), 1, date(2028, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2099, 12, 31), 2, date(2100, 2, 28)),
        (date(2026, 3, 31), 120, date(2036, 3, 31)),
    ],
)
def test_months_end_on_the_same_day_of_the_month_or_its_last(
    acted_on: date, months: int, expected: date
) -> None:
    assert last_day({"kind": "months", "months": months}, acted_on) == expected


@pytest.mark.parametrize(
    ("acted_on", "grace", "expected"),
    [
        (date(2026, 1, 1), 0, date(2026, 12, 31)),
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
        (date(2026, 6, 1), 31, date(2027, 1, 31)),
        (date(2027, 6, 1), 60, date(2028, 2, 29)),
        (date(2026, 6, 1), 60, date(2027, 3, 1)),
        (date(2026, 6, 1), 366, date(2028, 1, 1)),
    ],
)
def test_a_year_ends_on_its_last_day_and_grace_days_later(
    acted_on: date, grace: int, expected: date
) -> None:
    assert last_day({"kind": "year_end", "grace_days": grace}, acted_on) == expected


def test_without_grace_a_year_ends_with_the_year() -> None:
    assert last_day({"kind": "year_end"}, date(2026, 5, 1)) == date(2026, 12, 31)


def test_points_can_be_kept_for_ever() -> None:
    assert expires_at({"kind": "never"}, acted_on=date(2026, 1, 1), timezone=SHANGHAI) == NEVER


def test_points_lapse_at_midnight_in_shanghai() -> None:
    lapse = expires_at({"kind": "year_end"}, acted_on=date(2026, 5, 1), timezone=SHANGHAI)
    assert lapse == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def test_the_clocks_going_back_do_not_shift_midnight() -> None:
    month = {"kind": "months", "months": 1}
    lapses = [
        expires_at(month, acted_on=day, timezone="America/New_York")
        for day in (date(2026, 9, 30), date(2026, 10, 1))
    ]
    assert lapses == [datetime(2026, 10, 31, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("expiry", "switched_on", "expected"),
    [
        ({"kind": "months", "months": 6}, datetime(2026, 11, 18, 7, tzinfo=UTC), date(2027, 5, 18)),
        ({"kind": "months", "months": 3}, datetime(2026, 11, 30, 7, tzinfo=UTC), date(2027, 2, 28)),
        # It is the first of December in Shanghai already.
        ({"kind": "months", "months": 1}, datetime(2026, 11, 30, 17, tzinfo=UTC), date(2027, 1, 1)),
        ({"kind": "year_end"}, datetime(2026, 11, 18, 7, tzinfo=UTC), date(2027, 12, 31)),
        ({"kind": "year_end"}, datetime(2026, 1, 1, 7, tzinfo=UTC), date(2027, 12, 31)),
        (
            {"kind": "year_end", "grace_days": 31},
            datetime(2026, 12, 31, 17, tzinfo=UTC),
            date(2029, 1, 31),
        ),
    ],
)
def test_what_is_switched_on_later_takes_effect_a_full_period_later(
    expiry: dict[str, Any], switched_on: datetime, expected: date
) -> None:
    lapse = first_lapse(expiry, since=switched_on, timezone=SHANGHAI)
    assert (lapse - timedelta(microseconds=1)).astimezone(ZoneInfo(SHANGHAI)).date() == expected


def test_points_that_are_never_to_lapse_have_no_first_lapse() -> None:
    now = datetime(2026, 11, 18, 7, tzinfo=UTC)
    assert first_lapse({"kind": "never"}, since=now, timezone=SHANGHAI) == NEVER


@given(expiry=some_expiry, day=some_day, since=some_moment)
def test_points_of_a_policy_lapse_when_it_says_but_not_before_its_first_period_is_over(
    expiry: dict[str, Any], day: date, since: datetime
) -> None:
    always = lapse_under(expiry, acted_on=day, since=None, timezone=SHANGHAI)
    later = lapse_under(expiry, acted_on=day, since=since, timezone=SHANGHAI)
    first = first_lapse(expiry, since=since, timezone=SHANGHAI)
    assert always == expires_at(expiry, acted_on=day, timezone=SHANGHAI)
    assert later == max(always, first)
    period = expiry.get("months", 12)
    assert first > since + timedelta(days=27 * period)


@given(expiry=some_expiry, day=some_day, zone=some_zone)
def test_a_lapse_is_a_local_midnight_after_the_day_of_the_act(
    expiry: dict[str, Any], day: date, zone: str
) -> None:
    lapse = expires_at(expiry, acted_on=day, timezone=zone)
    local = lapse.astimezone(ZoneInfo(zone))
    assert local.time() == time()
    assert local.date() > day
    assert lapse.tzinfo is UTC


@given(expiry=some_expiry, day=some_day, later=st.integers(0, 800))
def test_a_later_act_never_lapses_sooner(expiry: dict[str, Any], day: date, later: int) -> None:
    assert last_day(expiry, day) <= last_day(expiry, day + timedelta(days=later))


@given(day=some_day, months=st.integers(1, 120))
def test_months_are_counted_as_on_a_wall_calendar(day: date, months: int) -> None:
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    expected = date(year, month, min(day.day, monthrange(year, month)[1]))
    assert last_day({"kind": "months", "months": months}, day) == expected
