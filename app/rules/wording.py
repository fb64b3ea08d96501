"""Rules, campaigns and the procedure in sentences that residents understand: pure.

What is said is what counts: every field that changes what somebody gets has its words.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from app.core.calendar import Period, in_zone
from app.rules.book.campaigns import last_day
from app.rules.models import ArrivesOn, Campaign, Direction, EarnedBy, Effort, Evidence, Mode

EACH = {"time": "每次", "hour": "每小时", "month": "每月", "piece": "每件"}
MEASURE = {"time": "次", "hour": "小时", "month": "个月", "piece": "件"}
# Once is once, and a month has one month: that needs no words.
ONE_AT_A_TIME = ("time", "month")
PERIODS = {
    Period.DAY: "每天", Period.WEEK: "每周", Period.MONTH: "每月", Period.YEAR: "每年",
    Period.ALL: "累计",
}  # fmt: skip
EFFORTS = {Effort.LOW: "强度低", Effort.MEDIUM: "强度中", Effort.HIGH: "强度高"}
MODES = {Mode.ONLINE: "仅限线上", Mode.OFFLINE: "仅限线下"}
ARRIVALS = {
    ArrivesOn.JOINED: "加入社区时到账", ArrivesOn.REPORTED: "上报时到账",
    ArrivesOn.ACCEPTED: "受理后到账", ArrivesOn.RESOLVED: "办结后到账",
    ArrivesOn.CONFIRMED: "确认后到账",
}  # fmt: skip
EVIDENCE = {Evidence.PHOTO: "照片", Evidence.NOTE: "文字说明", Evidence.TIMES: "起止时间"}
REVIEWS = ("无需审核", "由 1 人审核", "由 2 人复核")
# Groups that communities commonly name; others are called by their code.
AUDIENCES = {
    "child": "儿童", "elder": "老年人", "family": "家庭", "office_worker": "上班族",
    "party_member": "党员", "student": "学生", "volunteer": "志愿者", "youth": "青年",
}  # fmt: skip
PROCEDURE = "办理期限"
DAYS = {
    "rule_notice_days": "规则公示至少 {} 天", "hearing_days": "扣分前申辩期 {} 天",
    "repair_days": "积分修复期限 {} 天", "appeal_days": "决定作出后 {} 天内可以申诉",
    "appeal_answer_days": "申诉在 {} 天内答复",
}  # fmt: skip
NO_HEARING = "扣分前不设申辩期"
WEEKDAYS = "一二三四五六日"
MINUTES_AN_HOUR = 60
MINUTES_A_DAY = 24 * MINUTES_AN_HOUR
ALL_OF_THE_BASE = 100


def say_rule(stated: Mapping[str, Any]) -> str:
    """Return what a rule says, as 志愿服务：每小时 10 分，单次最多 8 小时，每天最多 80 分."""
    parts = [
        _worth(stated),
        _most_units(stated),
        *(_cap(cap, stated["direction"]) for cap in stated["caps"]),
        _interval(stated["min_interval_minutes"]),
        _audience(stated["audience"]),
        MODES.get(stated["mode"], ""),
        "由附议的居民获得" if stated["earned_by"] == EarnedBy.JOINERS else "",
        ARRIVALS.get(stated["arrives_on"], ""),
        _claiming(stated),
        _expiry(stated["expiry"]),
    ]
    return f"{stated['name']}：" + "，".join(part for part in parts if part)


def _worth(stated: Mapping[str, Any]) -> str:
    each = EACH[stated["unit"]]
    sign = "扣" if stated["direction"] == Direction.COST else ""
    by_effort = stated["points_by_effort"]
    if by_effort is not None:
        tiers = [f"{sign} {by_effort[effort]} 分（{name}）" for effort, name in EFFORTS.items()]
        return each + "、".join([tiers[0], *(tier.strip() for tier in tiers[1:])])
    effort = stated["effort"]
    strength = "" if effort is None else f"（{EFFORTS[effort]}）"
    return f"{each}{sign} {stated['points']} 分{strength}"


def _most_units(stated: Mapping[str, Any]) -> str:
    unit, most = stated["unit"], stated["max_units"]
    if most == 1 and unit in ONE_AT_A_TIME:
        return ""
    if unit == "time":
        return f"一次最多按 {most} 次计"
    return f"单次最多 {most} {MEASURE[unit]}"


def _cap(cap: Mapping[str, Any], direction: str) -> str:
    times, points = cap.get("times"), cap.get("points")
    most = "最多扣" if direction == Direction.COST else "最多"
    limits = [
        "" if times is None else f"最多 {times} 次",
        "" if points is None else f"{most} {points} 分",
    ]
    return PERIODS[cap["period"]] + "且".join(limit for limit in limits if limit)


def _interval(minutes: int | None) -> str:
    if minutes is None:
        return ""
    for size, name in ((MINUTES_A_DAY, "天"), (MINUTES_AN_HOUR, "小时")):
        if minutes % size == 0:
            return f"两次至少间隔 {minutes // size} {name}"
    return f"两次至少间隔 {minutes} 分钟"


def _audience(codes: Sequence[str]) -> str:
    return "面向" + "、".join(AUDIENCES.get(code, code) for code in codes) if codes else ""


def _claiming(stated: Mapping[str, Any]) -> str:
    if not stated["is_claimable"]:
        return ""
    needed = "、".join(EVIDENCE[kind] for kind in EVIDENCE if kind in stated["evidence"])
    brought = f"需附{needed}，" if needed else ""
    days = stated["award_notice_days"]
    shown = f"，公示 {days} 天后到账" if days else ""
    return f"可自行申报，{brought}{REVIEWS[stated['review_level']]}{shown}"


def _expiry(expiry: Mapping[str, Any]) -> str:
    match expiry["kind"]:
        case "never":
            return "积分长期有效"
        case "months":
            return f"积分 {expiry['months']} 个月内有效"
        case "year_end":
            grace = expiry.get("grace_days")
            return "积分当年有效" + (f"，延至次年 {grace} 天内" if grace else "")
        case _:  # as the community's policy says, which is told elsewhere
            return ""


def say_procedure(stated: Mapping[str, int]) -> str:
    """Return what a procedure says, as 办理期限：规则公示至少 7 天，扣分前申辩期 3 天，…."""
    return f"{PROCEDURE}：" + "，".join(_limit_of(field, stated[field]) for field in DAYS)


def _limit_of(field: str, days: int) -> str:
    return NO_HEARING if field == "hearing_days" and days == 0 else DAYS[field].format(days)


def say_campaign(
    campaign: Campaign,
    *,
    rules: Mapping[str, str],
    categories: Mapping[str, str],
    grids: Mapping[int, str],
    timezone: str,
) -> str:
    """Return what a campaign says; names are looked up by code, or number."""
    parts = [
        _days(campaign, timezone),
        _hours(campaign),
        _scope(campaign, rules, categories),
        _gain(campaign),
        _whom(campaign, grids),
        *_limits(campaign),
    ]
    return f"{campaign.name}：" + "，".join(part for part in parts if part)


def _days(campaign: Campaign, timezone: str) -> str:
    first = in_zone(timezone, campaign.starts_at)
    last = last_day(campaign, timezone)
    is_one = first.date() == last
    ends = _day(last) if last.year != first.year else f"{last.month} 月 {last.day} 日"
    until = in_zone(timezone, campaign.ends_at).time()
    if until not in _usual_ends(campaign):
        # Ended early, it does not last for the whole of its last day.
        return f"{_day(first)}至{'当天' if is_one else f' {ends}'} {until:%H:%M}"
    return _day(first) if is_one else f"{_day(first)}至 {ends}"


def _usual_ends(campaign: Campaign) -> tuple[time, ...]:
    hours = campaign.hours
    return (time(),) if hours is None else (time(), time.fromisoformat(hours["until"]))


def _day(local: date) -> str:
    return f"{local.year} 年 {local.month} 月 {local.day} 日"


def _hours(campaign: Campaign) -> str:
    weekdays = "、".join(f"周{WEEKDAYS[day - 1]}" for day in sorted(campaign.weekdays))
    if campaign.hours is None:
        return weekdays
    begins, until = campaign.hours["from"], campaign.hours["until"]
    next_day = "" if begins < until else "次日 "
    return f"{weekdays or '每天'} {begins} 至{next_day or ' '}{until}"


def _scope(campaign: Campaign, rules: Mapping[str, str], categories: Mapping[str, str]) -> str:
    named = [f"“{rules.get(code, code)}”" for code in campaign.rule_codes]
    branches = [f"“{categories.get(code, code)}”类" for code in campaign.categories]
    if named and branches:
        return "、".join(branches) + "中的" + "、".join(named)
    return "、".join(named or branches) or "所有加分项目"


def _gain(campaign: Campaign) -> str:
    gains = []
    if campaign.percent > ALL_OF_THE_BASE:
        times = f"{campaign.percent / ALL_OF_THE_BASE:g}"
        gains.append(f"按 {times} 倍计分")
    if campaign.bonus_points:
        gains.append(f"每次另加 {campaign.bonus_points} 分")
    return "，".join(gains)


def _whom(campaign: Campaign, grids: Mapping[int, str]) -> str:
    places = "、".join(grids.get(grid_id, str(grid_id)) for grid_id in campaign.grid_ids)
    parts = [
        f"限{places}" if places else "",
        _audience(campaign.audience),
        ""
        if campaign.newcomer_days is None
        else f"限加入社区 {campaign.newcomer_days} 天内的新居民",
    ]
    return "，".join(part for part in parts if part)


def _limits(campaign: Campaign) -> list[str]:
    limits = (
        ("每人最多多得 {} 分", campaign.per_person_points),
        ("总额 {} 分、发完为止", campaign.budget_points),
    )
    return [told.format(points) for told, points in limits if points is not None]
