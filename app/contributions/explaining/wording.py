"""An explanation in sentences that a resident understands, in Chinese and English: pure.

The first sentence is the sum itself: base, what each campaign added, which limits left less, and
what was counted. Its figures add up; a test reads them back from the words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.contributions.posting import INTERVAL
from app.core.access import Role
from app.core.calendar import Period, in_zone


@dataclass(frozen=True, slots=True)
class Share:
    """What a campaign added: by its terms, under its limits, and once caps had been applied."""

    code: str
    name: str
    full_points: int
    asked_points: int
    granted_points: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the rule: of a period, or (period None) an interval."""

    period: Period | None
    points: int | None = None
    times: int | None = None
    interval_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """How the points of an act came about; of a deduction, all but `granted_points` is positive."""

    name: str
    unit: str
    units: int
    effort: str | None
    points_each: int
    base_points: int
    shares: tuple[Share, ...]
    limits: tuple[Limit, ...]
    granted_points: int
    is_deduction: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """Who took part: the resident, a machine, a role with a masked name, or none of them known."""

    is_the_resident: bool
    is_a_machine: bool
    role: Role | None
    masked_name: str | None


@dataclass(frozen=True, slots=True)
class Undone:
    """Points undone since, and how many of them moved: a wallet may have had no more."""

    points: int
    moved_points: int
    reason: str
    undone_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """What stands around the sum: the rule, who took part, what has been undone."""

    rule_name: str
    version: int
    effective_from: datetime
    change_title: str | None
    recorded_by: Hand
    reviewed_by: tuple[Hand, ...]
    undone: tuple[Undone, ...]
    timezone: str


_UNITS = {
    "zh": {"time": "次", "hour": "小时", "month": "个月", "piece": "件"},
    "en": {"time": "time", "hour": "hour", "month": "month", "piece": "piece"},
}
_EFFORTS = {
    "zh": {"low": "（强度低）", "medium": "（强度中）", "high": "（强度高）"},
    "en": {"low": " (low effort)", "medium": " (medium effort)", "high": " (high effort)"},
}
_PERIODS = {
    "zh": {"day": "当日", "week": "当周", "month": "当月", "year": "当年", "all": "累计"},
    "en": {"day": "daily", "week": "weekly", "month": "monthly", "year": "yearly", "all": "total"},
}
_ROLES = {
    "zh": {
        Role.GRID_WORKER: "网格员", Role.CLERK: "商家核销员", Role.REVIEWER: "审核员",
        Role.COMMITTEE: "居委会", Role.AUDITOR: "监督员",
    },
    "en": {
        Role.GRID_WORKER: "grid worker", Role.CLERK: "clerk", Role.REVIEWER: "reviewer",
        Role.COMMITTEE: "committee", Role.AUDITOR: "auditor",
    },
}  # fmt: skip
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "base": "{name}{effort}：每{each} {points} 分 × {units} {unit} = {base} 分",
        "share": "“{name}”加 {points} 分",
        "limited": "“{name}”加 {points} 分（本应 {full} 分，活动额度已满）",
        "cap": "{period}上限 {most}",
        "points": "{count} 分", "times": "{count} 次",
        "interval": "两次之间须隔 {minutes} 分钟",
        "granted": "本次计入 {points} 分",
        "taken": "扣除 {points} 分",
        "taken_less": "余额不足，实际扣除 {points} 分",
        "between": "；", "comma": "，", "and": "、", "end": "。",
        "rule": "依据积分规则“{name}”第 {version} 版（{day}起施行），{adopted}。",
        "adopted": "该版由“{title}”经公示通过", "preset": "该版为社区启用积分时的规则",
        "recorded": "由{who}登记。", "reviewed": "由{who}审核。",
        "resident": "居民本人", "machine": "系统自动", "somebody": "工作人员",
        "taken_back": "{day}收回 {points} 分：{reason}。",
        "less_taken_back": "{day}应收回 {points} 分，余额不足，实际收回 {moved} 分：{reason}。",
        "given_back": "{day}返还 {points} 分：{reason}。",
    },
    "en": {
        "base": "{name}{effort}: {points} points per {each} × {units} {unit} = {base} points",
        "share": "“{name}” adds {points} points",
        "limited": "“{name}” adds {points} points (of {full}, its limit is reached)",
        "cap": "{period} limit {most}",
        "points": "{count} points", "times": "{count} times",
        "interval": "{minutes} minutes must lie in between",
        "granted": "{points} points counted",
        "taken": "{points} points taken",
        "taken_less": "there were no more, {points} points taken",
        "between": "; ", "comma": ", ", "and": " and ", "end": ".",
        "rule": "By version {version} of the rule “{name}”, in force since {day}; {adopted}.",
        "adopted": "adopted after public notice by “{title}”",
        "preset": "it came when points were introduced here",
        "recorded": "Recorded by {who}.", "reviewed": "Reviewed by {who}.",
        "resident": "the resident", "machine": "the system", "somebody": "staff",
        "taken_back": "{day}: {points} points taken back: {reason}.",
        "less_taken_back": "{day}: of {points} points to be taken back only {moved} were left: "
        "{reason}.",
        "given_back": "{day}: {points} points given back: {reason}.",
    },
}  # fmt: skip
LANGUAGES = tuple(_WORDS)


def sum_of(
    breakdown: Mapping[str, Any],
    *,
    unit: str,
    caps: Sequence[Mapping[str, Any]],
    interval_minutes: int | None,
    granted_points: int,
    is_deduction: bool,
) -> Sum:
    """Read a kept breakdown (contributions/posting.py, by_hand/under_rules.py)."""
    each, units = breakdown["points_each"], breakdown["units"]
    return Sum(
        name=breakdown["name"],
        unit=unit,
        units=units,
        effort=breakdown.get("effort"),
        points_each=each,
        base_points=breakdown.get("base_points", each * units),
        shares=tuple(_share_of(bonus) for bonus in breakdown.get("bonuses", ())),
        limits=tuple(
            _limit_of(hit, caps, interval_minutes) for hit in breakdown.get("caps_hit", ())
        ),
        granted_points=abs(granted_points),
        is_deduction=is_deduction,
    )


def _share_of(bonus: Mapping[str, Any]) -> Share:
    points = bonus["points"]
    return Share(
        code=bonus["campaign"],
        name=bonus["name"],
        full_points=bonus.get("full_points", points),
        asked_points=points,
        granted_points=bonus.get("granted_points", points),
    )


def _limit_of(hit: str, caps: Sequence[Mapping[str, Any]], interval_minutes: int | None) -> Limit:
    if hit == INTERVAL:
        return Limit(None, interval_minutes=interval_minutes)
    of_period = [cap for cap in caps if cap["period"] == hit]
    points = [cap["points"] for cap in of_period if cap.get("points") is not None]
    times = [cap["times"] for cap in of_period if cap.get("times") is not None]
    return Limit(Period(hit), min(points, default=None), min(times, default=None))


def word_sum(told: Sum, language: str) -> str:
    """Return the sum as one sentence, in "zh" or "en"."""
    words = _WORDS[language]
    parts = [_base(told, language)]
    parts += [_share(share, words) for share in told.shares]
    parts.append(_counted(told, language))
    return words["between"].join(parts) + words["end"]


def word_story(told: Sum, story: Story, language: str) -> list[str]:
    """Return every sentence of an explanation, the sum first."""
    words = _WORDS[language]
    adopted = words["preset"]
    if story.change_title is not None:
        adopted = words["adopted"].format(title=story.change_title)
    sentences = [
        word_sum(told, language),
        words["rule"].format(
            name=story.rule_name,
            version=story.version,
            day=_day(story.effective_from, story.timezone, language),
            adopted=adopted,
        ),
        words["recorded"].format(who=_who(story.recorded_by, language)),
    ]
    if story.reviewed_by:
        who = words["and"].join(_who(hand, language) for hand in story.reviewed_by)
        sentences.append(words["reviewed"].format(who=who))
    return [
        *sentences,
        *(_undone(part, told, story.timezone, language) for part in story.undone),
    ]


def _undone(part: Undone, told: Sum, timezone: str, language: str) -> str:
    way = "given_back" if told.is_deduction else "taken_back"
    if part.moved_points < part.points:
        way = "less_taken_back"
    return _WORDS[language][way].format(
        day=_day(part.undone_at, timezone, language),
        # What had been asked for before, and was not there then, is asked for once only.
        points=max(part.points, part.moved_points),
        moved=part.moved_points,
        reason=part.reason.rstrip("。."),
    )


def _base(told: Sum, language: str) -> str:
    unit = _UNITS[language][told.unit]
    plural = "s" if language == "en" and told.units != 1 else ""
    return _WORDS[language]["base"].format(
        name=told.name,
        effort="" if told.effort is None else _EFFORTS[language][told.effort],
        each=unit,
        points=told.points_each,
        units=told.units,
        unit=unit + plural,
        base=told.base_points,
    )


def _share(share: Share, words: Mapping[str, str]) -> str:
    way = "limited" if share.asked_points < share.full_points else "share"
    return words[way].format(name=share.name, points=share.asked_points, full=share.full_points)


def _counted(told: Sum, language: str) -> str:
    words = _WORDS[language]
    if told.is_deduction:
        way = "taken" if told.granted_points == told.base_points else "taken_less"
        return words[way].format(points=told.granted_points)
    limits = [_limit(limit, language) for limit in told.limits]
    return words["comma"].join([*limits, words["granted"].format(points=told.granted_points)])


def _limit(limit: Limit, language: str) -> str:
    words = _WORDS[language]
    if limit.period is None:
        return words["interval"].format(minutes=limit.interval_minutes)
    most = [
        words[what].format(count=count)
        for what, count in (("points", limit.points), ("times", limit.times))
        if count is not None
    ]
    return words["cap"].format(
        period=_PERIODS[language][limit.period], most=words["and"].join(most)
    )


def _who(hand: Hand, language: str) -> str:
    words = _WORDS[language]
    if hand.is_the_resident:
        return words["resident"]
    if hand.is_a_machine:
        return words["machine"]
    if hand.role is None:
        return words["somebody"]
    named = (_ROLES[language].get(hand.role), hand.masked_name)
    return " ".join(part for part in named if part)


def _day(moment: datetime, timezone: str, language: str) -> str:
    local = in_zone(timezone, moment)
    if language == "zh":
        return f"{local.year} 年 {local.month} 月 {local.day} 日"
    return local.date().isoformat()
