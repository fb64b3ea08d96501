"""What residents read about deductions by hand: pure."""

from datetime import datetime, timedelta

from app.contributions.models import ManualPosting, PostingState
from app.contributions.repairs.models import RepairTask
from app.contributions.telling.service import Message
from app.core.calendar import in_zone

PROPOSED = "deduction_proposed"
DECIDED = "deduction_decided"
SUBJECT = "manual_posting"
_MINUTE = timedelta(minutes=1)


def proposed(posting: ManualPosting, rule_name: str, *, photos: int, timezone: str) -> Message:
    """Tell what is to be taken and why, and until when one can answer."""
    until = posting.heard_until or posting.proposed_at
    body = f"{_what(posting, rule_name)}，拟扣 {posting.points} 分，目前尚未扣分。"
    if photos > 0:
        body += f"附照片依据 {photos} 张，可在小程序查看。"
    if until > posting.proposed_at:
        body += f"您可在 {last_day(until, timezone)}（含当日）前申辩，申辩期内不会扣分。"
    else:
        body += "审核前您都可以申辩。"
    return Message(
        kind=PROPOSED,
        title="拟扣分告知",
        body=body,
        status="待申辩",
        note=f"拟扣 {posting.points} 分，可申辩",
        subject_kind=SUBJECT,
        subject_id=posting.manual_posting_id,
        at=until - _MINUTE if until > posting.proposed_at else until,
    )


def posted(
    posting: ManualPosting,
    rule_name: str,
    *,
    asked_points: int,
    taken_points: int,
    repair: RepairTask | None,
    appeal_days: int,
    timezone: str,
    now: datetime,
) -> Message:
    """Tell what was taken, what can be done about it, and how to appeal."""
    body = f"{_what(posting, rule_name)}，经审核扣 {taken_points} 分。"
    if taken_points < asked_points:
        body += f"本应扣 {asked_points} 分，积分不足的部分不再扣。"
    if repair is not None:
        body += (
            f"在 {last_day(repair.due_at, timezone)}（含当日）前完成“{repair.task}”"
            f"并提交，可返还 {repair.points} 分。"
        )
    body += f"如有异议，可在 {appeal_days} 天内提出申诉。"
    return _decided(posting, "扣分通知", body, "已扣分", f"扣 {taken_points} 分，可申诉", now)


def dropped(posting: ManualPosting, rule_name: str, *, now: datetime) -> Message:
    """Tell that nothing is taken, and why."""
    body = f"{_what(posting, rule_name)}，现决定不扣分。"
    if posting.state == PostingState.REFUSED:
        body += f"审核意见：{posting.decision_reason}"
    else:
        body += "提出人已撤回。"
    return _decided(posting, "不予扣分通知", body, "不扣分", "拟扣积分不再扣除", now)


def last_day(until: datetime, timezone: str) -> str:
    """Return the last day before a midnight, as people there write it."""
    local = in_zone(timezone, until - _MINUTE)
    return f"{local.year} 年 {local.month} 月 {local.day} 日"


def _what(posting: ManualPosting, rule_name: str) -> str:
    return f"“{rule_name}”：{posting.reason}"


def _decided(
    posting: ManualPosting, title: str, body: str, status: str, note: str, now: datetime
) -> Message:
    return Message(
        kind=DECIDED,
        title=title,
        body=body,
        status=status,
        note=note,
        subject_kind=SUBJECT,
        subject_id=posting.manual_posting_id,
        at=now,
    )
