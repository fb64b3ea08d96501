"""What an explanation says, word by word; and that its figures add up, whatever was decided."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contributions.explaining.wording import (
    LANGUAGES,
    Hand,
    Limit,
    Share,
    Story,
    Sum,
    Undone,
    sum_of,
    word_story,
    word_sum,
)
from app.contributions.posting import Decision, Usage, decide
from app.core.access import Role
from app.core.calendar import Period, period_start
from app.rules.evaluation import Cap, Facts, evaluate
from app.rules.models import Effort
from tests.contributions.batches import KNOWN, MONDAY, lock, make_bonus, make_item, make_terms

DAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
VOLUNTEERING = Sum(
    name="志愿服务", unit="hour", units=2, effort=None, points_each=10, base_points=20,
    shares=(Share("safe_month", "平安月", 20, 20, 20),),
    limits=(Limit(Period.DAY, points=30),), granted_points=30, is_deduction=False,
)  # fmt: skip
FINE = Sum(
    name="垃圾分类错误", unit="time", units=2, effort=None, points_each=5, base_points=10,
    shares=(), limits=(), granted_points=10, is_deduction=True,
)  # fmt: skip
PATTERNS = {
    "zh": (r"= (\d+) 分", r"加 (\d+) 分", r"本次计入 (\d+) 分"),
    "en": (r"= (\d+) points", r"adds (\d+) points", r"(\d+) points counted"),
}


@pytest.mark.parametrize(
    ("told", "zh", "en"),
    [
        (
            VOLUNTEERING,
            ("志愿服务：每小时 10 分 × 2 小时 = 20 分；“平安月”加 20 分；"
            "当日上限 30 分，本次计入 30 分。"),
            ("志愿服务: 10 points per hour × 2 hours = 20 points; “平安月” adds 20 points; "
            "daily limit 30 points, 30 points counted."),
        ),
        (
            replace(
                VOLUNTEERING, effort="high", granted_points=25, limits=(),
                shares=(Share("safe_month", "平安月", 20, 5, 5),),
            ),
            ("志愿服务（强度高）：每小时 10 分 × 2 小时 = 20 分；"
            "“平安月”加 5 分（本应 20 分，活动额度已满）；本次计入 25 分。"),
            ("志愿服务 (high effort): 10 points per hour × 2 hours = 20 points; "
            "“平安月” adds 5 points (of 20, its limit is reached); 25 points counted."),
        ),
        (
            replace(
                VOLUNTEERING, units=1, base_points=10, shares=(), granted_points=0,
                limits=(Limit(Period.WEEK, 30, 3), Limit(None, interval_minutes=60)),
            ),
            ("志愿服务：每小时 10 分 × 1 小时 = 10 分；"
            "当周上限 30 分、3 次，两次之间须隔 60 分钟，本次计入 0 分。"),
            ("志愿服务: 10 points per hour × 1 hour = 10 points; "
            "weekly limit 30 points and 3 times, 60 minutes must lie in between, "
            "0 points counted."),
        ),
        (
            FINE,
            "垃圾分类错误：每次 5 分 × 2 次 = 10 分；扣除 10 分。",
            "垃圾分类错误: 5 points per time × 2 times = 10 points; 10 points taken.",
        ),
        (
            replace(FINE, granted_points=7),
            "垃圾分类错误：每次 5 分 × 2 次 = 10 分；余额不足，实际扣除 7 分。",
            ("垃圾分类错误: 5 points per time × 2 times = 10 points; "
            "there were no more, 7 points taken."),
        ),
    ],
)  # fmt: skip
def test_a_sum_is_said_in_one_sentence(told: Sum, zh: str, en: str) -> None:
    assert (word_sum(told, "zh"), word_sum(told, "en")) == (zh, en)


def test_a_story_tells_the_rule_who_took_part_and_what_was_undone() -> None:
    worker = Hand(
        is_the_resident=False, is_a_machine=False, role=Role.GRID_WORKER, masked_name="王*"
    )
    story = Story(
        rule_name="志愿服务", version=2, effective_from=DAY, change_title="提高志愿服务积分",
        recorded_by=worker, reviewed_by=(replace(worker, role=Role.COMMITTEE, masked_name=None),),
        undone=(Undone(10, 10, "登记有误。", DAY), Undone(9, 4, "非本人", DAY),
            Undone(0, 5, "更正", DAY)),
        timezone="Asia/Shanghai",
    )  # fmt: skip
    assert word_story(VOLUNTEERING, story, "zh")[1:] == [
        (
            "依据积分规则“志愿服务”第 2 版（2026 年 11 月 18 日起施行），"
            "该版由“提高志愿服务积分”经公示通过。"
        ),
        "由网格员 王*登记。",
        "由居委会审核。",
        "2026 年 11 月 18 日收回 10 分：登记有误。",
        "2026 年 11 月 18 日应收回 9 分，余额不足，实际收回 4 分：非本人。",
        "2026 年 11 月 18 日收回 5 分：更正。",
    ]
    resident = Hand(is_the_resident=True, is_a_machine=False, role=None, masked_name=None)
    own = replace(story, change_title=None, reviewed_by=(), undone=(), recorded_by=resident)
    assert word_story(FINE, own, "en")[1:] == [
        (
            "By version 2 of the rule “志愿服务”, in force since 2026-11-18; "
            "it came when points were introduced here."
        ),
        "Recorded by the resident.",
    ]
    fine = replace(
        story, recorded_by=replace(worker, role=None, masked_name=None), undone=story.undone[:1]
    )
    assert word_story(FINE, fine, "zh")[2] == "由工作人员登记。"
    by_machine = replace(fine, recorded_by=replace(fine.recorded_by, is_a_machine=True))
    assert word_story(FINE, by_machine, "zh")[2] == "由系统自动登记。"
    assert word_story(FINE, fine, "zh")[-1] == "2026 年 11 月 18 日返还 10 分：登记有误。"


bonuses = st.builds(
    lambda code, percent, fixed, mine, everybody: replace(
        make_bonus(code, per_person_points=mine, budget_points=everybody),
        percent=percent, bonus_points=fixed,
    ),
    st.sampled_from("abc"), st.integers(100, 400), st.integers(0, 30),
    st.none() | st.integers(1, 60), st.none() | st.integers(1, 60),
)  # fmt: skip
caps = st.builds(
    Cap, st.sampled_from(Period), st.none() | st.integers(1, 120), st.none() | st.integers(1, 3)
)


@st.composite
def decisions(draw: st.DrawFn) -> tuple[Decision, tuple[Cap, ...], int | None]:
    """Return what one act was given, under caps and campaigns that others have used."""
    terms = replace(
        make_terms(*draw(st.lists(caps.filter(lambda cap: cap.points or cap.times), max_size=3))),
        points_by_effort=draw(st.none() | st.just({"low": 5, "medium": 10, "high": 15})),
        min_interval=draw(st.none() | st.just(timedelta(minutes=90))),
    )
    running = draw(st.lists(bonuses, max_size=3, unique_by=lambda bonus: bonus.code))
    item = make_item(terms)
    facts = Facts(draw(st.integers(1, 8)), item.acted_at, "Asia/Shanghai", Effort.MEDIUM)
    item = replace(item, units=facts.units, worth=evaluate(terms, running, facts))
    locked = lock([item])
    for cap in terms.caps:
        key = (terms.rule_id, KNOWN, cap.period, period_start(cap.period, MONDAY))
        locked.usage[key] = Usage(draw(st.integers(0, 100)), draw(st.integers(0, 3)))
    for campaign in item.campaign_keys():
        locked.campaigns[campaign] = draw(st.integers(0, 60))
    if draw(st.booleans()):
        locked.spaced[item.spaced_key] = [item.acted_at - timedelta(minutes=30)]
    (decision,), _ = decide([item], locked)
    minutes = None if terms.min_interval is None else 90
    return decision, terms.caps, minutes


def read_back(sentence: str, language: str) -> tuple[int, int, int]:
    """Return base, what campaigns added, and what was counted, as the sentence says."""
    base, added, counted = (
        [int(count) for count in re.findall(pattern, sentence)] for pattern in PATTERNS[language]
    )
    assert len(base) == len(counted) == 1
    return base[0], sum(added), counted[0]


@given(decisions())
def test_the_figures_of_a_sentence_add_up(
    decided: tuple[Decision, tuple[Cap, ...], int | None],
) -> None:
    decision, of_rule, minutes = decided
    stated: list[dict[str, Any]] = [
        {"period": cap.period, "points": cap.points, "times": cap.times} for cap in of_rule
    ]
    told = sum_of(
        decision.breakdown(), unit="hour", caps=stated, interval_minutes=minutes,
        granted_points=decision.granted_points, is_deduction=False,
    )  # fmt: skip

    for language in LANGUAGES:
        sentence = word_sum(told, language)
        base, added, counted = read_back(sentence, language)
        assert base + added == decision.asked_points
        assert counted == decision.granted_points
        # Whoever got less than the sum is told why.
        assert (counted < base + added) <= bool(told.limits)
        assert "None" not in sentence
    kept = sum(share.granted_points for share in told.shares)
    assert kept == max(decision.granted_points - told.base_points, 0)
