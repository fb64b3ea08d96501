"""What each item of a batch gets, compared with a slow and plain model of the same promises."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contributions.posting import (
    AwardItem,
    Decision,
    Locked,
    Recorded,
    Usage,
    UsageKey,
    Verdict,
    decide,
)
from app.core.calendar import Period
from app.rules.evaluation import Cap, Terms

MONDAY = date(2026, 12, 28)
KNOWN, INDEBTED, UNKNOWN = 1001, 1002, 1003
IN_FORCE, STALE = 11, 12


def make_terms(*caps: Cap, rule_id: int = 1) -> Terms:
    return Terms(
        rule_id=rule_id,
        rule_version_id=IN_FORCE,
        code=f"rule_{rule_id}",
        name="巡逻",
        points=10,
        max_units=100,
        is_earning=True,
        caps=caps,
        expiry={"kind": "never"},
    )


def make_item(terms: Terms, points: int = 10, **changes: Any) -> AwardItem:
    """An act of KNOWN on Monday; `number` tells one act from another."""
    number = changes.pop("number", 0)
    acted_on: date = changes.pop("acted_on", MONDAY)
    item = AwardItem(
        contribution_id=number,
        source_kind="activity",
        source_id=number,
        resident_id=KNOWN,
        occasion="",
        terms=terms,
        units=1,
        points=points,
        breakdown={},
        recorded_by=1,
        acted_at=datetime(acted_on.year, acted_on.month, acted_on.day, 4, tzinfo=UTC),
        acted_on=acted_on,
        memo="",
    )
    return replace(item, **changes)


def make_items(terms: Terms, *points: int, **changes: Any) -> list[AwardItem]:
    return [
        make_item(terms, asked, number=number, **changes)
        for number, asked in enumerate(points, start=1)
    ]


def lock(items: Sequence[AwardItem], *, debt: int = 0, **changes: Any) -> Locked:
    """What the database says when nothing has happened yet."""
    in_force = {item.judged_at for item in items if item.terms.rule_version_id == IN_FORCE}
    locked = Locked(debts={KNOWN: 0, INDEBTED: debt}, recorded={}, usage={}, in_force=in_force)
    return replace(locked, **changes)


def grants(items: Sequence[AwardItem], locked: Locked | None = None) -> list[int]:
    decisions, _ = decide(items, locked or lock(items))
    return [decision.granted_points for decision in decisions]


def verdicts(items: Sequence[AwardItem], locked: Locked | None = None) -> list[Verdict]:
    decisions, _ = decide(items, locked or lock(items))
    return [decision.verdict for decision in decisions]


# The model: no running totals, only a list of what was granted, gone through for every item.


@dataclass(frozen=True)
class Granted:
    """Something given before: from the database's past or earlier in the batch."""

    rule_id: int
    resident_id: int
    acted_on: date
    points: int


@dataclass
class Model:
    """Applies items one by one."""

    debts: dict[int, int]
    in_force: set[tuple[int, datetime]]
    history: list[Granted]
    there: dict[Any, int] = field(default_factory=dict)

    def apply(self, item: AwardItem) -> tuple[Verdict, int, int]:
        """Return verdict, granted and repaid points."""
        if item.natural_key in self.there:
            return Verdict.ALREADY_THERE, self.there[item.natural_key], 0
        if item.resident_id not in self.debts:
            return Verdict.NO_SUCH_RESIDENT, 0, 0
        if (item.terms.rule_version_id, item.acted_at) not in self.in_force:
            return Verdict.RULE_CHANGED, 0, 0
        granted = min([item.points, *(self.left(cap, item) for cap in item.terms.caps)])
        if granted > 0:
            given = Granted(item.terms.rule_id, item.resident_id, item.acted_on, granted)
            self.history.append(given)
        self.there[item.natural_key] = granted
        repaid = min(granted, self.debts[item.resident_id])
        self.debts[item.resident_id] -= repaid
        verdict = Verdict.GRANTED if granted == item.points else Verdict.CAPPED
        return verdict, granted, repaid

    def left(self, cap: Cap, item: AwardItem) -> int:
        past = [
            given.points
            for given in self.history
            if (given.rule_id, given.resident_id) == (item.terms.rule_id, item.resident_id)
            and window(cap.period, given.acted_on) == window(cap.period, item.acted_on)
        ]
        if cap.times is not None and len(past) >= cap.times:
            return 0
        return item.points if cap.points is None else max(cap.points - sum(past), 0)


def window(period: Period, day: date) -> object:
    """Tell windows apart without computing where they start."""
    return {
        Period.DAY: day,
        Period.WEEK: day.isocalendar()[:2],
        Period.MONTH: (day.year, day.month),
        Period.YEAR: day.year,
        Period.ALL: None,
    }[period]


some_cap = st.builds(
    Cap,
    st.sampled_from(Period),
    points=st.none() | st.integers(0, 60),
    times=st.none() | st.integers(0, 4),
)
# Around a turn of the year, where days, weeks, months and years all part.
some_day = st.integers(-9, 9).map(lambda days: MONDAY + timedelta(days=days))
some_residents = st.sampled_from([KNOWN, KNOWN, INDEBTED, INDEBTED, UNKNOWN])


@st.composite
def some_rules(draw: st.DrawFn) -> list[Terms]:
    caps = st.lists(some_cap, max_size=4).map(tuple)
    return [make_terms(*draw(caps), rule_id=rule_id) for rule_id in (1, 2)]


@st.composite
def some_batch(draw: st.DrawFn) -> tuple[list[AwardItem], list[Granted], int]:
    """Draw items (some twice, some stale), what was granted before, and a debt."""
    rules = draw(some_rules())
    item = st.builds(
        lambda terms, version, number, **rest: make_item(
            replace(terms, rule_version_id=version), number=number, **rest
        ),
        st.sampled_from(rules),
        st.sampled_from([IN_FORCE] * 5 + [STALE]),
        number=st.integers(1, 12),
        points=st.integers(1, 40),
        resident_id=some_residents,
        acted_on=some_day,
    )
    granted = st.builds(
        Granted,
        st.sampled_from([1, 2]),
        st.sampled_from([KNOWN, INDEBTED]),
        some_day,
        st.integers(1, 30),
    )
    return (
        draw(st.lists(item, max_size=12)),
        draw(st.lists(granted, max_size=5)),
        draw(st.integers(0, 60)),
    )


def usage_of(items: Sequence[AwardItem], past: Sequence[Granted]) -> dict[UsageKey, Usage]:
    """Return what cap_usage would hold after this past, of the keys that the items ask for."""
    usage: dict[UsageKey, Usage] = {}
    for key in {key for item in items for key in item.usage_keys()}:
        rule_id, resident_id, period, starts_on = key
        points = [
            given.points
            for given in past
            if (given.rule_id, given.resident_id) == (rule_id, resident_id)
            and window(period, given.acted_on) == window(period, starts_on)
        ]
        if points:
            usage[key] = Usage(sum(points), len(points))
    return usage


def decide_both(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> tuple[list[Decision], dict[UsageKey, Usage], Model]:
    items, past, debt = batch
    locked = lock(items, debt=debt, usage=usage_of(items, past))
    decisions, used = decide(items, locked)
    in_force = {item.judged_at for item in items if item.terms.rule_version_id == IN_FORCE}
    return decisions, dict(used), Model({KNOWN: 0, INDEBTED: debt}, in_force, list(past))


@given(batch=some_batch())
def test_a_batch_is_decided_like_its_items_one_by_one(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> None:
    decisions, _, model = decide_both(batch)

    expected = [model.apply(item) for item in batch[0]]

    assert [(row.verdict, row.granted_points, row.repaid_points) for row in decisions] == expected


@given(batch=some_batch())
def test_usage_grows_by_what_was_granted_and_nothing_else(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> None:
    decisions, used, _ = decide_both(batch)

    points: Counter[UsageKey] = Counter()
    times: Counter[UsageKey] = Counter()
    for decision in decisions:
        if decision.is_new and decision.granted_points > 0:
            for key in decision.item.usage_keys():
                points[key] += decision.granted_points
                times[key] += 1
    assert {key: usage.points for key, usage in used.items()} == dict(points)
    assert {key: usage.times for key, usage in used.items()} == dict(times)


@given(batch=some_batch())
def test_no_cap_of_any_period_is_ever_passed(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> None:
    items, past, _ = batch
    decisions, _, _ = decide_both(batch)
    fresh = [
        Granted(row.item.terms.rule_id, row.item.resident_id, row.item.acted_on,
                row.granted_points)
        for row in decisions if row.is_new and row.granted_points > 0
    ]  # fmt: skip

    for item in items:
        for cap in item.terms.caps:
            inside = [
                [given.points for given in side
                 if (given.rule_id, given.resident_id) == (item.terms.rule_id, item.resident_id)
                 and window(cap.period, given.acted_on) == window(cap.period, item.acted_on)]
                for side in (past, fresh)
            ]  # fmt: skip
            if cap.points is not None:
                assert sum(inside[1]) <= max(cap.points - sum(inside[0]), 0)
            if cap.times is not None:
                assert len(inside[1]) <= max(cap.times - len(inside[0]), 0)


@given(batch=some_batch(), cut=st.integers(0, 12))
def test_two_batches_one_after_another_give_what_one_does(
    batch: tuple[list[AwardItem], list[Granted], int], cut: int
) -> None:
    items, past, debt = batch
    locked = lock(items, debt=debt, usage=usage_of(items, past))
    whole = grants(items, replace(locked, debts=dict(locked.debts), usage={
        key: replace(usage) for key, usage in locked.usage.items()}, recorded={}))  # fmt: skip

    parts = grants(items[:cut], locked) + grants(items[cut:], locked)

    assert parts == whole


def test_the_last_grant_before_a_cap_is_cut_and_the_next_gets_nothing() -> None:
    items = make_items(make_terms(Cap(Period.DAY, points=25)), 10, 10, 10, 10)
    assert grants(items) == [10, 10, 5, 0]
    assert verdicts(items) == [Verdict.GRANTED] * 2 + [Verdict.CAPPED] * 2


def test_the_tightest_of_several_caps_counts_and_all_that_bind_are_named() -> None:
    terms = make_terms(
        Cap(Period.DAY, points=8), Cap(Period.WEEK, points=9), Cap(Period.MONTH, points=100)
    )
    items = make_items(terms, 10)
    [decision], _ = decide(items, lock(items))
    assert decision.granted_points == 8
    assert decision.caps_hit == (Period.DAY, Period.WEEK)


def test_a_cap_that_stops_an_item_uses_up_no_other_cap() -> None:
    terms = make_terms(Cap(Period.DAY, times=1), Cap(Period.ALL, points=30, times=2))
    items = [
        *make_items(terms, 10, 10, 10),
        make_item(terms, 20, number=9, acted_on=MONDAY + timedelta(days=1)),
    ]
    decisions, used = decide(items, lock(items))
    assert [decision.granted_points for decision in decisions] == [10, 0, 0, 20]
    [of_all] = [usage for key, usage in used.items() if key[2] is Period.ALL]
    assert (of_all.points, of_all.times) == (30, 2)


def test_a_cap_in_times_counts_acts_and_not_points() -> None:
    items = make_items(make_terms(Cap(Period.WEEK, times=2)), 1, 50, 50)
    assert grants(items) == [1, 50, 0]


def test_a_cap_of_nothing_grants_nothing() -> None:
    assert grants(make_items(make_terms(Cap(Period.DAY, times=0)), 5)) == [0]
    assert grants(make_items(make_terms(Cap(Period.DAY, points=0)), 5)) == [0]


def test_two_caps_of_one_period_both_hold() -> None:
    terms = make_terms(Cap(Period.DAY, points=15), Cap(Period.DAY, times=2))
    assert grants(make_items(terms, 10, 3, 3)) == [10, 3, 0]
    assert grants(make_items(terms, 10, 10, 3)) == [10, 5, 0]


@pytest.mark.parametrize(
    ("period", "other_day", "expected"),
    [
        (Period.DAY, date(2026, 12, 29), 10),
        (Period.WEEK, date(2027, 1, 3), 0),
        (Period.WEEK, date(2026, 12, 27), 10),
        (Period.WEEK, date(2027, 1, 4), 10),
        (Period.MONTH, date(2026, 12, 1), 0),
        (Period.MONTH, date(2027, 1, 1), 10),
        (Period.YEAR, date(2026, 1, 1), 0),
        (Period.YEAR, date(2027, 1, 1), 10),
        (Period.ALL, date(1999, 1, 1), 0),
    ],
)
def test_a_cap_counts_within_its_own_period(period: Period, other_day: date, expected: int) -> None:
    terms = make_terms(Cap(period, times=1))
    items = [make_item(terms, number=1), make_item(terms, number=2, acted_on=other_day)]
    assert grants(items) == [10, expected]


def test_caps_are_each_residents_and_each_rules_own() -> None:
    cap = Cap(Period.DAY, times=1)
    items = [
        make_item(make_terms(cap, rule_id=1), number=1),
        make_item(make_terms(cap, rule_id=2), number=2),
        make_item(make_terms(cap, rule_id=1), number=3, resident_id=INDEBTED),
    ]
    assert grants(items) == [10, 10, 10]


def test_the_same_act_twice_in_a_batch_earns_once_and_is_told_of_the_first() -> None:
    first = make_item(make_terms(), number=7)
    again = replace(first, contribution_id=8, points=99)
    decisions, _ = decide([first, again], lock([first]))
    assert [row.verdict for row in decisions] == [Verdict.GRANTED, Verdict.ALREADY_THERE]
    assert decisions[1].recorded == Recorded(7, 10)
    assert not decisions[1].is_new


def test_another_occasion_of_the_same_source_is_another_act() -> None:
    first = make_item(make_terms(), number=7)
    assert grants([first, replace(first, occasion="2026-12-29")]) == [10, 10]


def test_an_act_that_was_capped_to_nothing_is_there_all_the_same() -> None:
    terms = make_terms(Cap(Period.DAY, points=0))
    item = make_item(terms, number=7)
    assert verdicts([item, item]) == [Verdict.CAPPED, Verdict.ALREADY_THERE]


def test_verdicts_are_told_in_order_there_then_resident_then_rule() -> None:
    stale = replace(make_terms(), rule_version_id=STALE)
    item = make_item(stale, number=7, resident_id=UNKNOWN)
    locked = lock([item])
    assert verdicts([item], locked) == [Verdict.NO_SUCH_RESIDENT]
    assert verdicts([replace(item, resident_id=KNOWN)], locked) == [Verdict.RULE_CHANGED]
    there = replace(locked, recorded={item.natural_key: Recorded(5, 3)})
    assert verdicts([item], there) == [Verdict.ALREADY_THERE]


def test_a_version_in_force_on_one_day_does_not_vouch_for_another_day() -> None:
    items = [
        make_item(make_terms(), number=1),
        make_item(make_terms(), number=2, acted_on=MONDAY - timedelta(days=1)),
    ]
    locked = lock(items, in_force={items[0].judged_at})
    assert verdicts(items, locked) == [Verdict.GRANTED, Verdict.RULE_CHANGED]


def test_a_refused_item_leaves_no_trace() -> None:
    terms = make_terms(Cap(Period.DAY, times=1))
    stale = replace(terms, rule_version_id=STALE)
    items = [make_item(stale, number=1), make_item(terms, number=1)]
    assert verdicts(items) == [Verdict.RULE_CHANGED, Verdict.GRANTED]


def test_debt_is_repaid_first_across_a_batch() -> None:
    items = make_items(make_terms(), 10, 10, 10, resident_id=INDEBTED)
    decisions, _ = decide(items, lock(items, debt=15))
    assert [row.granted_points for row in decisions] == [10, 10, 10]
    assert [row.repaid_points for row in decisions] == [10, 5, 0]


def test_only_what_a_cap_leaves_repays_debt() -> None:
    items = make_items(make_terms(Cap(Period.DAY, points=4)), 10, resident_id=INDEBTED)
    [decision], _ = decide(items, lock(items, debt=15))
    assert decision.repaid_points == 4


def test_an_empty_batch_decides_nothing() -> None:
    assert decide([], lock([])) == ([], {})
