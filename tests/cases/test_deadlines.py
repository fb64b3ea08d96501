"""Deadlines and the ladder, in working time; each example can be counted on a calendar of 2026."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.deadlines import (
    Rung,
    Told,
    due_after,
    due_in,
    left_seconds,
    next_rung_at,
    rungs_of,
)
from app.core.working_calendar import working_time_between

SHANGHAI = "Asia/Shanghai"
LADDER = [Rung(-4, Told.GRID_WORKER), Rung(0, Told.COMMITTEE), Rung(24, Told.COMMITTEE)]
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=330)).map(lambda since: BEGINNING + since)


def china(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of 2026 by the clock in China."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        # An ordinary Wednesday.
        (china(11, 18, 15), 24, china(11, 19, 15)),
        # Friday afternoon: Saturday and Sunday do not count.
        (china(11, 20, 15), 24, china(11, 23, 15)),
        # Sunday: the clock starts on Monday at midnight.
        (china(11, 22, 11), 24, china(11, 24, 0)),
        # National Day, 1 to 7 October; the 30th of September counts until midnight.
        (china(9, 30, 18), 24, china(10, 8, 18)),
        # Saturday 10 October is a working day to make up for the holiday.
        (china(10, 9, 15), 24, china(10, 10, 15)),
        (china(10, 10, 15), 24, china(10, 12, 15)),
        # Sunday 20 September makes up as well.
        (china(9, 18, 12), 24, china(9, 20, 12)),
    ],
)
def test_a_deadline_counts_working_days_only(start: datetime, hours: int, due: datetime) -> None:
    assert due_after(start, hours, timezone=SHANGHAI) == due


def climb(began: datetime, due: datetime, ladder: list[Rung] = LADDER) -> list[datetime | None]:
    return [
        next_rung_at(ladder, taken, began=began, due_at=due, timezone=SHANGHAI)
        for taken in range(len(ladder) + 1)
    ]


def test_the_ladder_is_climbed_before_at_and_after_the_deadline() -> None:
    began, due = china(11, 18, 15), china(11, 19, 15)
    assert climb(began, due) == [china(11, 19, 11), due, china(11, 20, 15), None]


def test_steps_around_a_weekend_fall_on_working_days() -> None:
    began, due = china(11, 20, 2), china(11, 23, 2)
    assert climb(began, due) == [china(11, 20, 22), due, china(11, 24, 2), None]


def test_steps_around_national_day_wait_for_its_end() -> None:
    began, due = china(9, 30, 2), china(10, 8, 2)
    assert climb(began, due) == [china(9, 30, 22), due, china(10, 9, 2), None]


def test_a_warning_longer_than_the_whole_time_comes_at_the_beginning() -> None:
    began, due = china(11, 18, 15), china(11, 18, 17)
    assert climb(began, due)[0] == began


def test_a_ladder_without_steps_has_no_next_one() -> None:
    assert climb(china(11, 18, 15), china(11, 19, 15), []) == [None]


def test_a_stored_ladder_is_read_from_its_lowest_step_up() -> None:
    stored = [
        {"hours": 24, "role": "committee"},
        {"hours": -4, "role": "grid_worker"},
        {"hours": 0, "role": "committee"},
    ]
    assert rungs_of(stored) == LADDER


@given(start=MOMENTS, hours=st.integers(1, 200))
def test_so_many_working_hours_lie_before_a_deadline(start: datetime, hours: int) -> None:
    due = due_after(start, hours, timezone=SHANGHAI)
    assert working_time_between(start, due, timezone=SHANGHAI) == timedelta(hours=hours)


@given(
    start=MOMENTS,
    hours=st.integers(1, 100),
    worked=st.floats(0, 1),
    paused_for=st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_a_pause_takes_no_working_time_however_long(
    start: datetime, hours: int, worked: float, paused_for: timedelta
) -> None:
    due = due_after(start, hours, timezone=SHANGHAI)
    paused_at = start + (due - start) * worked
    left = left_seconds(paused_at, due, timezone=SHANGHAI)
    resumed_at = paused_at + paused_for
    again = due_in(resumed_at, left, timezone=SHANGHAI)
    used = working_time_between(start, paused_at, timezone=SHANGHAI)
    used += working_time_between(resumed_at, again, timezone=SHANGHAI)
    assert timedelta(0) <= timedelta(hours=hours) - used < timedelta(seconds=1)


@given(start=MOMENTS, late=st.timedeltas(timedelta(0), timedelta(days=30)))
def test_nothing_is_left_of_a_deadline_that_has_passed(start: datetime, late: timedelta) -> None:
    due = due_after(start, 24, timezone=SHANGHAI)
    assert left_seconds(due + late, due, timezone=SHANGHAI) == 0


@given(start=MOMENTS, hours=st.integers(1, 100), ladder=st.lists(st.integers(-120, 120)))
def test_the_ladder_never_goes_down_nor_begins_before_its_clock(
    start: datetime, hours: int, ladder: list[int]
) -> None:
    rungs = [Rung(step, Told.COMMITTEE) for step in sorted(ladder)]
    due = due_after(start, hours, timezone=SHANGHAI)
    steps = [step for step in climb(start, due, rungs) if step is not None]
    assert len(steps) == len(rungs)
    assert steps == sorted(steps)
    # A clock that starts on a day off starts with the next working day.
    assert all(step >= start for step in steps)
