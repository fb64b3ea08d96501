"""What residents read about their comments and objections: pure."""

from datetime import datetime

from app.core.calendar import in_zone
from app.notices.models import NoticeRemark, RemarkKind
from app.notifications.service import Notice
from app.wechat.message_fields import date_text

REMARK_ANSWERED = "remark_answered"
SUBJECT = "public_notice"


def answer_message(
    remark: NoticeRemark, person_id: int, *, title: str, timezone: str, now: datetime
) -> Notice:
    """Tell who said something what was answered."""
    what, status = _what_became_of(remark)
    body = f"您对公示“{title}”提出的{what}{status}：{remark.answer}"
    fields = {
        "title": title,
        "status": status,
        "time": date_text(in_zone(timezone, now)),
        "note": remark.answer or status,
    }
    heading = f"您的{what}{status}"
    return Notice(
        person_id, REMARK_ANSWERED, heading, body, SUBJECT, remark.public_notice_id, fields
    )


def _what_became_of(remark: NoticeRemark) -> tuple[str, str]:
    if remark.kind == RemarkKind.COMMENT:
        return "留言", "已答复"
    return "异议", "成立" if remark.is_upheld else "未被采纳"
