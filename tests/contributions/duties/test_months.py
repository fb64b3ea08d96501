"""Which months of a duty count."""

from datetime import UTC, date, datetime

import pytest

from app.contributions.duties.months import Month, ended_months


def test_the_last_three_months_that_are_over_are_looked_at_oldest_first() -> None:
    months = ended_months(date(2027, 1, 1))

    assert [month.occasion for month in months] == ["2026-10", "2026-11", "2026-12"]
    assert [month.last.day for month in months] == [31, 30, 31]


@pytest.mark.parametrize(
    ("first", "latest_start"),
    [
        (date(2026, 11, 1), date(2026, 11, 16)),
        (date(2026, 12, 1), date(2026, 12, 16)),
        (date(2027, 2, 1), date(2027, 2, 15)),
        (date(2028, 2, 1), date(2028, 2, 15)),
    ],
)
def test_a_month_counts_when_it_was_held_for_half_of_its_days(
    first: date, latest_start: date
) -> None:
    month = Month(first)
    held = (month.last - latest_start).days + 1

    assert month.latest_start == latest_start
    assert 2 * held >= month.last.day > 2 * (held - 1)


def test_the_act_is_dated_to_the_months_last_second_there() -> None:
    moment = Month(date(2026, 11, 1)).last_moment("Asia/Shanghai")

    assert moment.astimezone(UTC) == datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)
