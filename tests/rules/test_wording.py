"""What rules and campaigns say in Chinese."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.rules.book.schemas import ProcedureData, RuleData
from app.rules.models import Campaign
from app.rules.wording import say_campaign, say_procedure, say_rule

RULES = [
    (
        {"name": "志愿服务", "unit": "hour", "points": 10, "max_units": 8,
         "caps": [{"period": "day", "points": 80}]},
        "志愿服务：每小时 10 分，单次最多 8 小时，每天最多 80 分",
    ),
    ({"name": "参加问卷", "points": 5}, "参加问卷：每次 5 分"),
    ({"name": "楼长履职", "unit": "month", "points": 20}, "楼长履职：每月 20 分"),
    (
        {"name": "旧衣回收", "unit": "piece", "points": 2, "max_units": 20},
        "旧衣回收：每件 2 分，单次最多 20 件",
    ),
    ({"name": "巡逻", "unit": "hour", "points": 10}, "巡逻：每小时 10 分，单次最多 1 小时"),
    (
        {"name": "垃圾分类错误", "direction": "cost", "points": 5, "max_units": 4,
         "caps": [{"period": "month", "points": 40}]},
        "垃圾分类错误：每次扣 5 分，一次最多按 4 次计，每月最多扣 40 分",
    ),
    (
        {"name": "隐患上报", "points": 5, "arrives_on": "accepted",
         "caps": [{"period": "day", "times": 3}, {"period": "all", "times": 9, "points": 30}]},
        "隐患上报：每次 5 分，每天最多 3 次，累计最多 9 次且最多 30 分，受理后到账",
    ),
    (
        {"name": "附议", "points": 1, "arrives_on": "resolved", "earned_by": "joiners"},
        "附议：每次 1 分，由附议的居民获得，办结后到账",
    ),
    (
        {"name": "助老", "points": 10, "points_by_effort": {"low": 5, "medium": 10, "high": 20},
         "min_interval_minutes": 30, "audience": ["youth", "b7"], "mode": "offline"},
        ("助老：每次 5 分（强度低）、10 分（强度中）、20 分（强度高），两次至少间隔 30 分钟，"
        "面向青年、b7，仅限线下"),
    ),
    (
        {"name": "噪音", "direction": "cost", "points": 10,
         "points_by_effort": {"low": 5, "medium": 10, "high": 20}},
        "噪音：每次扣 5 分（强度低）、扣 10 分（强度中）、扣 20 分（强度高）",
    ),
    (
        {"name": "清雪", "points": 8, "effort": "high", "min_interval_minutes": 120,
         "is_claimable": True, "review_level": 2, "evidence": ["times", "photo"],
         "award_notice_days": 3, "expiry": {"kind": "months", "months": 12}},
        ("清雪：每次 8 分（强度高），两次至少间隔 2 小时，可自行申报，需附照片、起止时间，"
        "由 2 人复核，公示 3 天后到账，积分 12 个月内有效"),
    ),
    (
        {"name": "读报", "points": 1, "is_claimable": True, "review_level": 0,
         "min_interval_minutes": 2880, "expiry": {"kind": "year_end", "grace_days": 90}},
        "读报：每次 1 分，两次至少间隔 2 天，可自行申报，无需审核，积分当年有效，延至次年 90 天内",
    ),
    (
        {"name": "新居民", "points": 20, "arrives_on": "joined", "expiry": {"kind": "never"}},
        "新居民：每次 20 分，加入社区时到账，积分长期有效",
    ),
]  # fmt: skip

CAMPAIGNS = [
    (
        {"percent": 200, "rule_codes": ["patrol"], "hours": {"from": "20:00", "until": "06:00"}},
        ("平安月：2026 年 12 月 1 日至 12 月 31 日，每天 20:00 至次日 06:00，“夜间巡逻”，"
        "按 2 倍计分"),
    ),
    (
        {"percent": 150, "bonus_points": 2, "categories": ["safety"], "weekdays": [7, 6],
         "hours": {"from": "08:00", "until": "12:30"}, "per_person_points": 50,
         "budget_points": 9000},
        ("平安月：2026 年 12 月 1 日至 12 月 31 日，周六、周日 08:00 至 12:30，“平安”类，"
        "按 1.5 倍计分，每次另加 2 分，每人最多多得 50 分，总额 9000 分、发完为止"),
    ),
    (
        {"bonus_points": 5, "grid_ids": [7, 8], "audience": ["elder"], "newcomer_days": 30,
         "ends_at": datetime(2026, 12, 1, 16, tzinfo=UTC)},
        ("平安月：2026 年 12 月 1 日，所有加分项目，每次另加 5 分，限第一网格、8，面向老年人，"
        "限加入社区 30 天内的新居民"),
    ),
    # A night that begins on the last day is of that day; what was ended early says until when.
    (
        {"percent": 200, "hours": {"from": "22:00", "until": "06:00"},
         "ends_at": datetime(2026, 12, 31, 22, tzinfo=UTC)},
        ("平安月：2026 年 12 月 1 日至 12 月 31 日，每天 22:00 至次日 06:00，所有加分项目，"
        "按 2 倍计分"),
    ),
    (
        {"percent": 200, "ends_at": datetime(2026, 12, 5, 7, 30, tzinfo=UTC)},
        "平安月：2026 年 12 月 1 日至 12 月 5 日 15:30，所有加分项目，按 2 倍计分",
    ),
    (
        {"percent": 200, "ends_at": datetime(2026, 12, 1, 7, 30, tzinfo=UTC)},
        "平安月：2026 年 12 月 1 日至当天 15:30，所有加分项目，按 2 倍计分",
    ),
    (
        {"percent": 200, "categories": ["safety"], "rule_codes": ["patrol", "gone"],
         "ends_at": datetime(2027, 1, 3, 16, tzinfo=UTC)},
        ("平安月：2026 年 12 月 1 日至 2027 年 1 月 3 日，“平安”类中的“夜间巡逻”、“gone”，"
        "按 2 倍计分"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "sentence"), RULES, ids=[said[:4] for _, said in RULES])
def test_a_rule_says_all_that_counts_in_one_sentence(stated: dict[str, Any], sentence: str) -> None:
    rule = RuleData.model_validate({"code": "rule", "category": "safety"} | stated)
    assert say_rule(rule.stored()) == sentence


@pytest.mark.parametrize(("days", "hearing"), [(3, "扣分前申辩期 3 天"), (0, "扣分前不设申辩期")])
def test_a_procedure_says_each_of_its_days(days: int, hearing: str) -> None:
    stated = ProcedureData(hearing_days=days).model_dump()
    assert say_procedure(stated) == (
        f"办理期限：规则公示至少 7 天，{hearing}，积分修复期限 30 天，"
        "决定作出后 15 天内可以申诉，申诉在 10 天内答复"
    )


@pytest.mark.parametrize(("changes", "sentence"), CAMPAIGNS)
def test_a_campaign_says_when_for_what_and_whom_and_how_much(
    changes: dict[str, Any], sentence: str
) -> None:
    columns: dict[str, Any] = {
        "name": "平安月", "rule_codes": [], "categories": [], "percent": 100, "bonus_points": 0,
        "starts_at": datetime(2026, 11, 30, 16, tzinfo=UTC),
        "ends_at": datetime(2026, 12, 31, 16, tzinfo=UTC),
        "hours": None, "weekdays": [], "grid_ids": [], "audience": [], "newcomer_days": None,
        "per_person_points": None, "budget_points": None,
    }  # fmt: skip
    said = say_campaign(
        Campaign(**(columns | changes)), rules={"patrol": "夜间巡逻"},
        categories={"safety": "平安"}, grids={7: "第一网格"}, timezone="Asia/Shanghai",
    )  # fmt: skip
    assert said == sentence
