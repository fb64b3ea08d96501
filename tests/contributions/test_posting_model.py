"""Any batch at all, compared with a slow and plain model of the same promises."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.contributions.posting import (
    EVERYBODY,
    AwardItem,
    CampaignKey,
    Decision,
    JudgedAt,
    Usage,
    UsageKey,
    Used,
    Verdict,
    decide,
)
from app.core.calendar import Period
from app.rules.evaluation import Bonus, Cap, Extra, Terms, Worth
from tests.contributions.batches import (
    IN_FORCE,
    INDEBTED,
    KNOWN,
    MONDAY,
    STALE,
    UNKNOWN,
    grants,
    lock,
    make_bonus,
    make_item,
    make_terms,
)

# The model: no running totals, only a list of what was granted, gone through for every item.


@dataclass(frozen=True)
class Granted:
    """Something given before: from the database's past or earlier in the batch."""

    rule_id: int
    resident_id: int
    acted_on: date
    points: int
    acted_at: datetime | None = None
    extras: tuple[tuple[int, int], ...] = ()


@dataclass
class Model:
    """Applies items one by one."""

    debts: dict[int, int]
    in_force: set[JudgedAt]
    history: list[Granted]
    there: dict[Any, int] = field(default_factory=dict)

    def apply(self, item: AwardItem) -> tuple[Verdict, int, int]:
        """Return verdict, granted and repaid points."""
        if item.natural_key in self.there:
            return Verdict.ALREADY_THERE, self.there[item.natural_key], 0
        if item.resident_id not in self.debts:
            return Verdict.NO_SUCH_RESIDENT, 0, 0
        judged_at = (item.terms.rule_version_id, item.acted_at, item.terms.policy_version)
        if judged_at not in self.in_force:
            return Verdict.RULE_CHANGED, 0, 0
        extras = [self.limited(extra, item) for extra in item.worth.extras]
        asked = item.worth.base_points + sum(extras)
        left = [self.left(cap, item, asked) for cap in item.terms.caps]
        granted = 0 if self.is_too_soon(item) else min([asked, *left])
        if granted > 0:
            self.history.append(self.given(item, extras, granted))
        self.there[item.natural_key] = granted
        repaid = min(granted, self.debts[item.resident_id])
        self.debts[item.resident_id] -= repaid
        verdict = Verdict.GRANTED if granted == asked else Verdict.CAPPED
        return verdict, granted, repaid

    def limited(self, extra: Extra, item: AwardItem) -> int:
        limits = ((extra.bonus.budget_points, None), (extra.bonus.per_person_points, item))
        points = extra.points
        for limit, whose in limits:
            if limit is not None:
                gone = sum(
                    kept
                    for given in self.history
                    if whose is None or given.resident_id == whose.resident_id
                    for campaign_id, kept in given.extras
                    if campaign_id == extra.bonus.campaign_id
                )
                points = min(points, max(limit - gone, 0))
        return points

    def given(self, item: AwardItem, extras: list[int], granted: int) -> Granted:
        """Fill up the base first, then one campaign after the other."""
        rest = max(granted - item.worth.base_points, 0)
        kept = []
        for extra, points in zip(item.worth.extras, extras, strict=True):
            kept.append((extra.bonus.campaign_id, min(points, rest)))
            rest -= kept[-1][1]
        return Granted(
            item.terms.rule_id, item.resident_id, item.acted_on, granted, item.acted_at,
            tuple(kept),
        )  # fmt: skip

    def is_too_soon(self, item: AwardItem) -> bool:
        interval = item.terms.min_interval
        return interval is not None and any(
            (given.rule_id, given.resident_id) == (item.terms.rule_id, item.resident_id)
            and given.acted_at is not None
            and abs(given.acted_at - item.acted_at) < interval
            for given in self.history
        )

    def left(self, cap: Cap, item: AwardItem, asked: int) -> int:
        past = [
            given.points
            for given in self.history
            if (given.rule_id, given.resident_id) == (item.terms.rule_id, item.resident_id)
            and window(cap.period, given.acted_on) == window(cap.period, item.acted_on)
        ]
        if cap.times is not None and len(past) >= cap.times:
            return 0
        return asked if cap.points is None else max(cap.points - sum(past), 0)


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
    interval = st.none() | st.integers(1, 100).map(lambda hours: timedelta(hours=hours))
    return [
        replace(make_terms(*draw(caps), rule_id=rule_id), min_interval=draw(interval))
        for rule_id in (1, 2)
    ]


some_limit = st.none() | st.integers(1, 60)


@st.composite
def some_bonuses(draw: st.DrawFn) -> list[Bonus]:
    limits = st.fixed_dictionaries(
        {}, optional={"budget_points": some_limit, "per_person_points": some_limit}
    )
    return [make_bonus(code, **draw(limits)) for code in ("a", "b")]


@st.composite
def some_batch(draw: st.DrawFn) -> tuple[list[AwardItem], list[Granted], int]:
    """Draw items (some twice, some stale), what was granted before, and a debt."""
    rules, bonuses = draw(some_rules()), draw(some_bonuses())
    some_extras = st.lists(st.integers(0, 20), max_size=2).map(
        lambda points: tuple(
            Extra(bonus, extra) for bonus, extra in zip(bonuses, points, strict=False)
        )
    )
    item = st.builds(
        lambda terms, version, number, base, extras, **rest: make_item(
            replace(terms, rule_version_id=version),
            number=number,
            worth=Worth(base, extras),
            **rest,
        ),
        st.sampled_from(rules),
        st.sampled_from([IN_FORCE] * 5 + [STALE]),
        number=st.integers(1, 12),
        base=st.integers(1, 40),
        extras=some_extras,
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
) -> tuple[list[Decision], Used, Model]:
    items, past, debt = batch
    locked = lock(items, debt=debt, usage=usage_of(items, past))
    decisions, used = decide(items, locked)
    in_force = {item.judged_at for item in items if item.terms.rule_version_id == IN_FORCE}
    return decisions, used, Model({KNOWN: 0, INDEBTED: debt}, in_force, list(past))


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
    assert {key: usage.points for key, usage in used.caps.items()} == dict(points)
    assert {key: usage.times for key, usage in used.caps.items()} == dict(times)


@given(batch=some_batch())
def test_campaigns_give_no_more_than_their_limits_and_count_what_was_got(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> None:
    decisions, used, _ = decide_both(batch)

    kept: Counter[CampaignKey] = Counter()
    limits: dict[CampaignKey, int] = {}
    for decision in decisions:
        granted = decision.granted
        if not decision.is_new or granted is None:
            continue
        assert granted.points == decision.granted_points
        for extra in granted.extras:
            bonus = extra.bonus
            for whose, limit in (
                (decision.item.resident_id, bonus.per_person_points),
                (EVERYBODY, bonus.budget_points),
            ):
                if limit is not None:
                    limits[bonus.campaign_id, whose] = limit
                if limit is not None or (bonus.is_limited and whose != EVERYBODY):
                    kept[bonus.campaign_id, whose] += extra.points
    assert {key: points for key, points in used.campaigns.items() if points} == {
        key: points for key, points in kept.items() if points
    }
    assert all(kept[key] <= limit for key, limit in limits.items())


@given(batch=some_batch())
def test_the_explanation_adds_up_to_what_was_asked_and_names_every_cut(
    batch: tuple[list[AwardItem], list[Granted], int],
) -> None:
    decisions, _, _ = decide_both(batch)
    for decision in (row for row in decisions if row.is_new):
        told = decision.breakdown()
        bonuses = told.get("bonuses", [])
        extras = [bonus["points"] for bonus in bonuses]
        if extras:
            assert decision.item.worth.base_points + sum(extras) == decision.asked_points
        assert ("caps_hit" in told) == (decision.granted_points < decision.asked_points)


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
        key: replace(usage) for key, usage in locked.usage.items()}, recorded={},
        campaigns={}, spaced={}))  # fmt: skip

    parts = grants(items[:cut], locked) + grants(items[cut:], locked)

    assert parts == whole
