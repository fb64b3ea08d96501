"""How unlikely something is, computed by hand."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from app.contributions.signals.measures import (
    Concentration,
    PairCount,
    Span,
    Visit,
    binomial_tail,
    impossible_legs,
)
from app.core.coordinates import Position

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
# A degree of latitude is 111.195 km on this globe.
KM = 1 / 111.195


def visit(number: int, minutes: float, km_north: float) -> Visit:
    return Visit(number, NOON + timedelta(minutes=minutes), Position(31 + km_north * KM, 121.4))


@pytest.mark.parametrize(
    ("seen", "trials", "share", "chance"),
    [
        (0, 5, 0.3, 1.0),
        (1, 1, 0.25, 0.25),
        (5, 5, 0.5, 1 / 32),
        (4, 5, 0.5, 6 / 32),
        (2, 3, 0.1, 0.028),
        (6, 5, 0.5, 0.0),
        (1, 5, 0.0, 0.0),
        (5, 5, 1.0, 1.0),
    ],
)
def test_the_chance_of_at_least_so_many_is_the_binomial_tail(
    seen: int, trials: int, share: float, chance: float
) -> None:
    assert binomial_tail(seen, trials, share) == pytest.approx(chance, rel=1e-9)


def test_a_long_tail_agrees_with_exact_integers() -> None:
    trials, seen = 600, 350
    exact = sum(math.comb(trials, hits) for hits in range(seen, trials + 1)) / 2**trials
    assert binomial_tail(seen, trials, 0.5) == pytest.approx(exact, rel=1e-9)


def test_a_pair_is_unusual_from_five_reviews_on_and_one_in_a_thousand() -> None:
    # A fifth of all reviews, and five of this resident's five: 1/3125.
    assert PairCount(seen=5, claims=5, seen_of_all=40, all_claims=200).is_unusual
    # Four of four would be 1/625, and is a handful anyway.
    assert not PairCount(seen=4, claims=4, seen_of_all=1, all_claims=200).is_unusual
    # A quarter: 1/1024 is still less than one in a thousand; 26 % is not.
    assert PairCount(seen=5, claims=5, seen_of_all=50, all_claims=200).is_unusual
    assert not PairCount(seen=5, claims=5, seen_of_all=52, all_claims=200).is_unusual
    # Who does all reviews does all of everybody's.
    assert not PairCount(seen=80, claims=80, seen_of_all=200, all_claims=200).is_unusual


def test_expected_is_the_reviewers_part_of_the_residents_claims() -> None:
    pair = PairCount(seen=9, claims=10, seen_of_all=40, all_claims=200)
    assert pair.expected == pytest.approx(2)
    assert PairCount(0, 0, 0, 0).chance == 1


def test_nobody_is_faster_than_a_car() -> None:
    there, back = visit(1, 0, 0), visit(2, 10, 19.9)
    assert impossible_legs([there, back]) == []
    (leg,) = impossible_legs([visit(2, 10, 20.1), there])
    assert (leg.earlier.contribution_id, leg.later.contribution_id) == (1, 2)
    assert leg.meters == pytest.approx(20_100, rel=1e-3)
    assert leg.seconds == 600


def test_less_than_two_kilometres_is_never_far() -> None:
    assert impossible_legs([visit(1, 0, 0), visit(2, 0, 1.99)]) == []
    assert len(impossible_legs([visit(1, 0, 0), visit(2, 0, 2.01)])) == 1


def test_only_the_way_that_nobody_could_have_gone_is_named() -> None:
    legs = impossible_legs([visit(1, 0, 0), visit(2, 60, 5), visit(3, 61, 12), visit(4, 180, 0)])
    assert [(leg.earlier.contribution_id, leg.later.contribution_id) for leg in legs] == [(2, 3)]
    assert impossible_legs([]) == impossible_legs([visit(1, 0, 0)]) == []


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("mine", "other", "is_overlapping"),
    [
        (Span(at(0), at(2)), Span(at(1), at(3)), True),
        (Span(at(0), at(2)), Span(at(2), at(3)), False),
        (Span(at(0), at(3)), Span(at(1), at(2)), True),
        (Span(at(0), at(2)), Span(at(0)), True),
        (Span(at(0), at(2)), Span(at(2)), False),
        (Span(at(1)), Span(at(1)), True),
        (Span(at(1)), Span(at(1.5)), False),
    ],
)
def test_times_overlap_unless_one_ends_as_the_other_begins(
    mine: Span,
    other: Span,
    is_overlapping: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    assert mine.overlaps(other) is other.overlaps(mine) is is_overlapping


@pytest.mark.parametrize(
    ("points", "everybody", "active", "is_unusual"),
    [
        (50, 100, 10, True),
        (49, 100, 10, False),
        (10, 100, 60, True),
        (9, 100, 60, False),
        (90, 100, 9, False),
        (0, 0, 0, False),
    ],
)
def test_points_gather_from_a_tenth_and_five_times_the_average_on(
    points: int,
    everybody: int,
    active: int,
    is_unusual: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    assert Concentration(points, everybody, active).is_unusual is is_unusual
