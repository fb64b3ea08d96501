"""What an act is worth: points, campaigns, and the reasons given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import Period
from app.rules.evaluation import Bonus, Cap, Terms, evaluate

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


def points_of(terms: Terms, *campaigns: Bonus, units: int = 1, acted_at: datetime = NOW) -> int:
    return evaluate(terms, campaigns, units=units, acted_at=acted_at).points


@given(terms=some_terms, campaigns=some_campaigns, units=some_units, order=st.randoms())
def test_the_order_of_campaigns_does_not_matter(
    terms: Terms, campaigns: list[Bonus], units: int, order: Random
) -> None:
    shuffled = list(campaigns)
    order.shuffle(shuffled)
    assert evaluate(terms, shuffled, units=units, acted_at=NOW) == evaluate(
        terms, campaigns, units=units, acted_at=NOW
    )


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
    worth = evaluate(terms, campaigns, units=units, acted_at=NOW)
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
