"""What residents read about their claims: pure."""

from datetime import datetime

from app.contributions.telling.service import Message
from app.core.calendar import in_zone
from app.notifications.service import Notice
from app.wechat.message_fields import date_text

AWARDED = "claim_awarded"
REFUSED = "claim_refused"
SUBJECT = "claim"
NOT_MEANT_FOR = "该规则不适用于您所属的人群"


def awarded_notice(
    person_id: int, claim_id: int, rule_name: str, *, points: int, asked: int, at: str
) -> Notice:
    """Tell of an award; `at` is the local time of it as a message shows it."""
    body = f"您申报的“{rule_name}”已通过，获得 {points} 分。"
    if points < asked:
        body = f"您申报的“{rule_name}”已通过，应得 {asked} 分，因达到积分上限，实得 {points} 分。"
    fields = {"title": rule_name, "status": "已通过", "time": at, "note": f"获得 {points} 分"}
    return Notice(person_id, AWARDED, "积分申报已通过", body, SUBJECT, claim_id, fields)


def refused_notice(
    person_id: int, claim_id: int, rule_name: str, *, reason: str, appeal_days: int, at: str
) -> Notice:
    """Tell of a refusal, why, and what can be done about it."""
    body = (
        f"您申报的“{rule_name}”未通过。原因：{reason}。"
        f"如不认同，可在 {appeal_days} 天内在“我的申报”中提出申诉，由未参与审核的人员处理。"
    )
    fields = {"title": rule_name, "status": "未通过", "time": at, "note": reason}
    return Notice(person_id, REFUSED, "积分申报未通过", body, SUBJECT, claim_id, fields)


def refused_message(
    claim_id: int, rule_name: str, *, reason: str, appeal_days: int, now: datetime
) -> Message:
    """Tell the same to whoever calls on a resident without a phone."""
    body = (
        f"申报的“{rule_name}”未通过。原因：{reason}。"
        f"如不认同，可在 {appeal_days} 天内请网格员或居委会代为提出申诉。"
    )
    return Message(
        kind=REFUSED,
        title="积分申报未通过",
        body=body,
        status="未通过",
        note=reason,
        subject_kind=SUBJECT,
        subject_id=claim_id,
        at=now,
    )


def shown_time(timezone: str, now: datetime) -> str:
    """Return a moment as a message shows it there."""
    return date_text(in_zone(timezone, now))
