"""Which days a statement covers."""

from datetime import UTC, date, datetime

import pytest

from app.ledger.statement.errors import PeriodBackwards
from app.statements.errors import PeriodTooLong
from app.statements.periods import Days, choose_days

TODAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (None, None, Days(date(2026, 1, 1), TODAY)),
        (date(2026, 11, 18), None, Days(TODAY, TODAY)),
        (None, date(2025, 3, 1), Days(date(2025, 1, 1), date(2025, 3, 1))),
        (date(2026, 11, 1), date(2026, 12, 31), Days(date(2026, 11, 1), TODAY)),
        (date(2024, 1, 1), date(2024, 12, 31), Days(date(2024, 1, 1), date(2024, 12, 31))),
    ],
)
def test_what_is_left_out_is_this_year_and_today(
    first: date | None, last: date | None, days: Days
) -> None:
    assert choose_days(first, last, today=TODAY) == days


def test_366_days_are_a_statement_and_367_are_not() -> None:
    last = date(2026, 1, 1)
    assert choose_days(date(2025, 1, 1), last, today=TODAY).first == date(2025, 1, 1)
    with pytest.raises(PeriodTooLong) as refusal:
        choose_days(date(2024, 12, 31), last, today=TODAY)
    assert refusal.value.extensions == {"days": 367, "most_days": 366}


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 2, 2), date(2026, 2, 1)), (date(2026, 11, 19), None), (date(2027, 1, 1),) * 2],
)
def test_a_period_that_ends_too_early_or_has_not_begun_is_refused(
    first: date | None, last: date | None
) -> None:
    with pytest.raises(PeriodBackwards):
        choose_days(first, last, today=TODAY)


def test_days_begin_and_end_at_local_midnight() -> None:
    since, until = Days(date(2026, 11, 30), date(2026, 11, 30)).moments("Asia/Shanghai")
    assert since == datetime(2026, 11, 29, 16, tzinfo=UTC)
    assert until == datetime(2026, 11, 30, 16, tzinfo=UTC)
