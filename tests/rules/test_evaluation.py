"""What an act is worth: points, campaigns, and the reasons given."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import Period
from app.rules.errors import EffortMissing
from app.rules.evaluation import Bonus, Cap, Facts, Hours, Terms, Worth, evaluate
from app.rules.models import Effort

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
PATROL = Terms(
    rule_id=1,
    rule_version_id=11,
    code="patrol",
    name="治安巡逻",
    points=10,
    max_units=8,
    is_earning=True,
    caps=(Cap(Period.DAY, points=80),),
    expiry={"kind": "never"},
)
DOUBLE = Bonus(
    code="safe_month",
    name="平安月",
    percent=200,
    bonus_points=0,
    rule_codes=(),
    starts_at=NOW - timedelta(days=1),
    ends_at=NOW + timedelta(days=1),
)

some_terms = st.builds(
    replace,
    st.just(PATROL),
    points=st.integers(1, 1000),
    code=st.sampled_from(["patrol", "survey"]),
    is_earning=st.booleans(),
)
some_campaign = st.builds(
    replace,
    st.just(DOUBLE),
    code=st.text("abcdef", min_size=1, max_size=3),
    percent=st.integers(100, 1000),
    bonus_points=st.integers(0, 100),
    rule_codes=st.sampled_from([(), ("patrol",), ("survey", "patrol"), ("meeting",)]),
    starts_at=st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours)),
)
some_campaigns = st.lists(some_campaign, max_size=5, unique_by=lambda campaign: campaign.code)
some_units = st.integers(1, 24)


def worth_of(
    terms: Terms, *campaigns: Bonus, units: int = 1, acted_at: datetime = NOW, **known: Any
) -> Worth:
    return evaluate(terms, campaigns, Facts(units, acted_at, "Asia/Shanghai", **known))


def points_of(terms: Terms, *campaigns: Bonus, **facts: Any) -> int:
    return worth_of(terms, *campaigns, **facts).points


@given(terms=some_terms, campaigns=some_campaigns, units=some_units, order=st.randoms())
def test_the_order_of_campaigns_does_not_matter(
    terms: Terms, campaigns: list[Bonus], units: int, order: Random
) -> None:
    shuffled = list(campaigns)
    order.shuffle(shuffled)
    assert worth_of(terms, *shuffled, units=units) == worth_of(terms, *campaigns, units=units)


@given(terms=some_terms, campaigns=some_campaigns, units=some_units)
def test_campaigns_never_make_an_act_worth_less(
    terms: Terms, campaigns: list[Bonus], units: int
) -> None:
    assert points_of(terms, *campaigns, units=units) >= terms.points * units


@given(terms=some_terms, campaigns=some_campaigns, units=some_units)
def test_each_campaign_adds_its_share_of_the_base_rounded_up_and_its_bonus(
    terms: Terms, campaigns: list[Bonus], units: int
) -> None:
    base = terms.points * units
    expected = base
    for campaign in campaigns:
        is_named = not campaign.rule_codes or terms.code in campaign.rule_codes
        if terms.is_earning and is_named and campaign.starts_at <= NOW:
            extra = Fraction(base * (campaign.percent - 100), 100)
            expected += ceil(extra) + campaign.bonus_points
    assert points_of(terms, *campaigns, units=units) == expected


@given(terms=some_terms, campaigns=some_campaigns, units=some_units)
def test_the_breakdown_adds_up_to_the_points(
    terms: Terms, campaigns: list[Bonus], units: int
) -> None:
    worth = worth_of(terms, *campaigns, units=units)
    told = worth.breakdown
    assert told["base_points"] == told["points_each"] * told["units"] == terms.points * units
    extras = [bonus["points"] for bonus in told["bonuses"]]
    assert told["base_points"] + sum(extras) == told["total_points"] == worth.points
    named = [bonus["campaign"] for bonus in told["bonuses"]]
    assert named == sorted(named)


@given(terms=some_terms, campaigns=some_campaigns, few=some_units, more=some_units)
def test_more_units_are_never_worth_less(
    terms: Terms, campaigns: list[Bonus], few: int, more: int
) -> None:
    few, more = sorted((few, more))
    assert points_of(terms, *campaigns, units=few) <= points_of(terms, *campaigns, units=more)


@pytest.mark.parametrize(
    ("points", "percent", "expected"),
    [(1, 101, 2), (3, 133, 4), (3, 134, 5), (10, 150, 15), (7, 150, 11), (1, 1000, 10),
     (5, 100, 5), (199, 101, 201), (200, 101, 202), (201, 101, 204)],
)  # fmt: skip
def test_a_fraction_is_rounded_up_for_the_resident(
    points: int, percent: int, expected: int
) -> None:
    campaign = replace(DOUBLE, percent=percent)
    assert points_of(replace(PATROL, points=points), campaign) == expected


def test_a_double_and_a_triple_campaign_add_up_and_do_not_multiply() -> None:
    triple = replace(DOUBLE, code="spring", percent=300)
    assert points_of(PATROL, DOUBLE, triple) == 10 + 10 + 20


def test_a_bonus_is_added_once_whatever_the_units() -> None:
    newcomer = replace(DOUBLE, percent=100, bonus_points=5)
    assert points_of(PATROL, newcomer, units=4) == 45


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (timedelta(days=-1), 20),
        (timedelta(days=-1, microseconds=-1), 10),
        (timedelta(days=1, microseconds=-1), 20),
        (timedelta(days=1), 10),
    ],
)
def test_a_campaign_holds_from_its_first_moment_to_just_before_its_end(
    offset: timedelta, expected: int
) -> None:
    assert points_of(PATROL, DOUBLE, acted_at=NOW + offset) == expected


def test_a_campaign_of_other_rules_adds_nothing() -> None:
    assert points_of(PATROL, replace(DOUBLE, rule_codes=("survey",))) == 10
    assert points_of(PATROL, replace(DOUBLE, rule_codes=("survey", "patrol"))) == 20


def test_a_campaign_never_makes_a_deduction_dearer() -> None:
    assert points_of(replace(PATROL, is_earning=False), DOUBLE) == 10


# Who, when and how much effort.


@pytest.mark.parametrize(
    ("effort", "expected"), [(Effort.LOW, 10), (Effort.MEDIUM, 20), (Effort.HIGH, 40)]
)
def test_points_may_go_by_effort(effort: Effort, expected: int) -> None:
    sorting = replace(PATROL, points_by_effort={"low": 5, "medium": 10, "high": 20})
    assert points_of(sorting, units=2, effort=effort) == expected
    assert worth_of(sorting, effort=effort).breakdown["effort"] == effort


def test_a_rule_that_goes_by_effort_must_be_told_it() -> None:
    with pytest.raises(EffortMissing):
        points_of(replace(PATROL, points_by_effort={"low": 5, "medium": 10, "high": 20}))


NIGHT = replace(DOUBLE, hours=Hours(time(22), time(6)))
A_WEEK = timedelta(days=7)
# Shanghai is eight hours ahead.
NINE_THIRTY_AT_NIGHT = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, 10), (29, 10), (30, 20), (150, 20), (8 * 60 + 29, 20), (8 * 60 + 30, 10)],
)
def test_a_night_begins_and_ends_by_the_clock_on_the_wall(minutes: int, expected: int) -> None:
    acted_at = NINE_THIRTY_AT_NIGHT + timedelta(minutes=minutes)
    assert points_of(PATROL, NIGHT, acted_at=acted_at) == expected


@given(begins=st.times(), ends=st.times(), moment=st.times())
def test_a_time_of_day_and_what_it_leaves_out_make_a_whole_day(
    begins: time, ends: time, moment: time
) -> None:
    assert begins == ends or Hours(begins, ends).cover(moment) != Hours(ends, begins).cover(moment)


def test_a_weekday_is_that_of_the_community() -> None:
    # Wednesday evening in London is Thursday in Shanghai.
    thursdays = replace(DOUBLE, weekdays=(4,), hours=None)
    assert points_of(PATROL, thursdays, acted_at=NOW) == 10
    assert points_of(PATROL, thursdays, acted_at=NOW + timedelta(hours=9)) == 20


@pytest.mark.parametrize(
    ("hours", "expected"), [(-24, 10), (-20, 10), (0, 20), (4, 20), (24, 10), (28, 10)]
)
def test_a_night_over_midnight_is_that_of_the_weekday_it_begins_on(
    hours: int, expected: int
) -> None:
    # As people read it: Wednesday 22:00 until 06:00 the next day.
    wednesdays = replace(NIGHT, weekdays=(3,), starts_at=NOW - A_WEEK, ends_at=NOW + A_WEEK)
    ten = NINE_THIRTY_AT_NIGHT + timedelta(hours=hours, minutes=30)
    assert points_of(PATROL, wednesdays, acted_at=ten) == expected


def test_a_campaign_may_be_for_categories_grids_groups_and_newcomers() -> None:
    safety = replace(DOUBLE, categories=("safety",))
    assert points_of(replace(PATROL, category="safety"), safety) == 20
    assert points_of(replace(PATROL, category="daily"), safety) == 10
    grid = replace(DOUBLE, grid_ids=(7,))
    assert [points_of(PATROL, grid, grid_id=number) for number in (7, 8, None)] == [20, 10, 10]
    elders = replace(DOUBLE, audience=("elder", "youth"))
    assert points_of(PATROL, elders, audience=frozenset({"elder", "volunteer"})) == 20
    assert points_of(PATROL, elders, audience=frozenset({"volunteer"})) == 10
    newcomers = replace(DOUBLE, newcomer_days=30)
    a_month = timedelta(days=30)
    joined = [NOW - a_month + timedelta(seconds=1), NOW - a_month, None]
    assert [points_of(PATROL, newcomers, joined_at=at) for at in joined] == [20, 10, 10]


@given(
    terms=some_terms, campaigns=some_campaigns, units=some_units,
    left=st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 50)),
    cut=st.integers(0, 2000),
)  # fmt: skip
def test_limits_and_caps_take_from_bonuses_first_and_lose_no_point_silently(
    terms: Terms, campaigns: list[Bonus], units: int, left: dict[str, int], cut: int
) -> None:
    full = worth_of(terms, *campaigns, units=units)
    limited = full.limited(left)
    assert limited.base_points == full.base_points
    assert all(
        after.points == min(before.points, left.get(before.bonus.code, before.points))
        for before, after in zip(full.extras, limited.extras, strict=True)
    )
    granted = limited.cut_to(min(cut, limited.points))
    assert granted.points == min(cut, limited.points)
    assert granted.base_points == min(cut, limited.base_points)
    gone = [
        before.points - after.points
        for before, after in zip(limited.extras, granted.extras, strict=True)
    ]
    # Whatever stands behind a bonus that was cut is gone whole.
    first = next((place for place, points in enumerate(gone) if points), len(gone))
    assert all(extra.points == 0 for extra in granted.extras[first + 1 :])


@given(terms=some_terms, campaigns=some_campaigns, units=some_units)
def test_another_campaign_never_takes_from_those_that_run(
    terms: Terms, campaigns: list[Bonus], units: int
) -> None:
    for number in range(len(campaigns)):
        assert points_of(terms, *campaigns[:number], units=units) <= points_of(
            terms, *campaigns[: number + 1], units=units
        )
