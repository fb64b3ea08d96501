"""Days and months of a statement are those of the community's own clock."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passbook import Passbook, entries, read_statement

# Shanghai is eight hours ahead: 23:30 on 30 November, and 0:30 on 1 December.
LATE = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
EARLY = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)


async def points_of(book: Passbook, **days: str) -> list[int]:
    resident = await book.here.caller("resident-1")
    return [line["points"] for line in await read_statement(resident, 2, **days)]


async def months_of(book: Passbook, **asked: Any) -> list[tuple[str, int, int, int]]:
    resident = await book.here.caller("resident-1")
    answer = await resident.get("/v1/me/statement/months", **asked)
    assert answer.status_code == 200, answer.text
    return [
        (item["month"], item["in_points"], item["out_points"], item["balance_points"])
        for item in answer.json()["items"]
    ]


@pytest.fixture
async def turn_of_month(empty: Passbook, clock: Clock) -> Passbook:
    """1 point half an hour before December, 2 points half an hour into it."""
    clock.now = LATE
    await empty.award(1)
    clock.now = EARLY
    await empty.award(2)
    return empty


@pytest.mark.parametrize(
    ("days", "points"),
    [
        ({"from": "2026-12-01"}, [2]),
        ({"to": "2026-11-30"}, [1]),
        ({"from": "2026-11-30", "to": "2026-12-01"}, [2, 1]),
        ({"from": "2026-11-30", "to": "2026-11-30"}, [1]),
        ({"from": "2026-12-01", "to": "2026-12-01"}, [2]),
        ({"from": "2026-12-02"}, []),
        ({"to": "2026-11-29"}, []),
        ({"from": "2000-01-01", "to": "2099-12-31"}, [2, 1]),
        ({"from": "2099-12-31"}, []),
    ],
)
async def test_a_line_belongs_to_the_local_day_it_was_posted_on(
    turn_of_month: Passbook, days: dict[str, str], points: list[int]
) -> None:
    assert await points_of(turn_of_month, **days) == points


async def test_a_line_at_midnight_itself_belongs_to_the_day_that_begins(
    empty: Passbook, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 30, 16, tzinfo=UTC)
    await empty.award(3)

    assert await points_of(empty, to="2026-11-30") == []
    assert await points_of(empty, **{"from": "2026-12-01"}) == [3]
    assert await months_of(empty, months=2) == [("2026-12-01", 3, 0, 3), ("2026-11-01", 0, 0, 0)]


async def test_a_line_at_half_past_midnight_counts_in_the_new_month(
    turn_of_month: Passbook,
) -> None:
    assert await months_of(turn_of_month, months=2) == [
        ("2026-12-01", 2, 0, 3),
        ("2026-11-01", 1, 0, 1),
    ]


async def test_days_leave_balances_alone_on_pages_of_any_size(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")
    november = {"from": "2026-11-18", "to": "2026-11-30"}

    for size in (1, 3, 100):
        assert entries(await read_statement(resident, size, **november)) == lived.wallet[4:]


async def test_a_period_that_ends_before_it_begins_is_refused(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    days = {"from": "2026-11-02", "to": "2026-11-01"}

    answer = await resident.get("/v1/me/statement", **days)

    assert (answer.status_code, problem_code(answer)) == (422, "period_backwards")


@pytest.mark.parametrize(
    "chosen",
    [
        {"from": "9999-12-31"}, {"to": "0001-01-01"}, {"from": "tomorrow"}, {"kind": "theft"},
        {"direction": "sideways"}, {"account": "fund"}, {"kind": ["award"] * 13},
    ],
)  # fmt: skip
async def test_a_choice_that_cannot_be_is_refused(
    here: Neighbourhood, chosen: dict[str, Any]
) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.get("/v1/me/statement", **chosen)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_months_agree_with_the_lines(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")
    december, november = lived.wallet[:4], lived.wallet[4:]
    expected = [
        (
            month,
            sum(points for _, points, _ in lines if points > 0),
            -sum(points for _, points, _ in lines if points < 0),
            lines[0][2],
        )
        for month, lines in (("2026-12-01", december), ("2026-11-01", november))
    ]

    months = await months_of(lived)

    # The wallet was opened in October, and nothing moved then.
    assert months == [*expected, ("2026-10-01", 0, 0, 0)]
    assert months[0][1:] == (40, 110, 36)
    balance = (await resident.get("/v1/me/balance")).json()
    assert months[0][3] == balance["posted_points"]


async def test_fewer_months_have_the_same_sums(lived: Passbook) -> None:
    whole = await months_of(lived)
    for months in (1, 2, 3, 36):
        assert await months_of(lived, months=months) == whole[:months]


async def test_a_month_without_lines_keeps_the_balance(lived: Passbook, clock: Clock) -> None:
    clock.advance(days=62)

    months = await months_of(lived, months=3)

    assert [month[0] for month in months] == ["2027-02-01", "2027-01-01", "2026-12-01"]
    assert months[:2] == [("2027-02-01", 0, 0, 36), ("2027-01-01", 0, 0, 36)]


async def test_savings_have_months_of_their_own(lived: Passbook) -> None:
    assert await months_of(lived, account="savings") == [
        ("2026-12-01", 0, 0, 0),
        ("2026-11-01", 60, 60, 0),
    ]


async def test_who_never_saved_has_no_months_of_savings(empty: Passbook) -> None:
    assert await months_of(empty, account="savings") == []


async def test_months_show_nobody_elses_points(lived: Passbook, elsewhere: Neighbourhood) -> None:
    for other in (await lived.here.caller("resident-2"), await elsewhere.caller("resident-1")):
        months = (await other.get("/v1/me/statement/months")).json()["items"]
        moved = {(item["in_points"], item["out_points"], item["balance_points"]) for item in months}
        assert moved == {(0, 0, 0)}


@pytest.mark.parametrize("months", [0, 37, -1])
async def test_one_to_thirty_six_months_may_be_asked_for(here: Neighbourhood, months: int) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.get("/v1/me/statement/months", months=months)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
