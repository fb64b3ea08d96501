"""What each item of a batch gets."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.contributions.posting import INTERVAL, Recorded, Used, Verdict, decide
from app.core.calendar import Period
from app.rules.evaluation import Cap, Extra, Worth
from tests.contributions.batches import (
    INDEBTED,
    KNOWN,
    MONDAY,
    STALE,
    UNKNOWN,
    grants,
    lock,
    make_bonus,
    make_item,
    make_items,
    make_terms,
    verdicts,
)


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
    [of_all] = [usage for key, usage in used.caps.items() if key[2] is Period.ALL]
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
    again = replace(first, contribution_id=8, worth=Worth(99, ()))
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
    assert decide([], lock([])) == ([], Used())


# Intervals and campaigns with limits.


def test_an_act_too_soon_after_or_before_another_earns_nothing() -> None:
    terms = replace(make_terms(), min_interval=timedelta(minutes=30))
    first = make_item(terms, number=1)
    times = (-31, -30, -29, 29, 30)
    items = [
        first,
        *(
            make_item(terms, number=number, acted_at=first.acted_at + timedelta(minutes=minutes))
            for number, minutes in enumerate(times, start=2)
        ),
    ]
    assert [grants([first, item])[1] for item in items[1:]] == [10, 10, 0, 0, 10]
    decision = decide([first, items[3]], lock(items))[0][1]
    assert decision.verdict is Verdict.CAPPED
    assert decision.breakdown()["caps_hit"] == [INTERVAL]


def test_an_act_that_came_too_soon_does_not_keep_others_away() -> None:
    terms = replace(make_terms(), min_interval=timedelta(minutes=30))
    at = make_item(terms).acted_at
    items = [
        make_item(terms, number=number, acted_at=at + timedelta(minutes=minutes))
        for number, minutes in enumerate((0, 20, 40), start=1)
    ]
    assert grants(items) == [10, 0, 10]


def test_what_was_done_before_the_batch_keeps_its_distance_too() -> None:
    terms = replace(make_terms(), min_interval=timedelta(minutes=30))
    item = make_item(terms, number=1)
    earlier = [item.acted_at - timedelta(minutes=10)]
    assert grants([item], lock([item], spaced={item.spaced_key: earlier})) == [0]
    others = lock([item], spaced={(item.terms.rule_id, INDEBTED): earlier})
    assert grants([item], others) == [10]


def test_a_budget_gives_what_it_has_left_and_the_base_stays() -> None:
    bonus = make_bonus("spring", budget_points=25)
    items = [
        make_item(make_terms(), number=number, resident_id=resident_id, worth=Worth(10, (
            Extra(bonus, 10),)))
        for number, resident_id in enumerate((KNOWN, INDEBTED, KNOWN, INDEBTED), start=1)
    ]  # fmt: skip
    decisions, used = decide(items, lock(items))
    assert [row.granted_points for row in decisions] == [20, 20, 15, 10]
    assert {row.verdict for row in decisions} == {Verdict.GRANTED}
    assert used.campaigns == {
        (bonus.campaign_id, 0): 25, (bonus.campaign_id, KNOWN): 15,
        (bonus.campaign_id, INDEBTED): 10,
    }  # fmt: skip
    told = decisions[2].breakdown()
    assert told["bonuses"] == [
        {"campaign": "spring", "name": "spring", "points": 5, "full_points": 10}
    ]
    assert told["total_points"] == 15


def test_a_limit_per_person_is_each_residents_own() -> None:
    bonus = make_bonus("spring", per_person_points=15)
    worth = Worth(10, (Extra(bonus, 10),))
    items = [
        make_item(make_terms(), number=number, resident_id=resident_id, worth=worth)
        for number, resident_id in enumerate((KNOWN, KNOWN, KNOWN, INDEBTED), start=1)
    ]
    assert grants(items) == [20, 15, 10, 20]


def test_where_a_cap_cuts_bonuses_give_way_before_the_base_and_no_budget_is_wasted() -> None:
    first, last = make_bonus("a", budget_points=100), make_bonus("b", budget_points=100)
    worth = Worth(10, (Extra(first, 6), Extra(last, 6)))
    terms = make_terms(Cap(Period.DAY, points=18))
    items = [make_item(terms, number=1, worth=worth)]
    [decision], used = decide(items, lock(items))
    assert decision.granted_points == 18
    assert {used.campaigns[first.campaign_id, whose] for whose in (0, KNOWN)} == {6}
    assert {used.campaigns[last.campaign_id, whose] for whose in (0, KNOWN)} == {2}
    assert [bonus.get("granted_points") for bonus in decision.breakdown()["bonuses"]] == [None, 2]
    tight = make_item(make_terms(Cap(Period.DAY, points=7)), number=1, worth=worth)
    assert set(decide([tight], lock([tight]))[1].campaigns.values()) == {0}
