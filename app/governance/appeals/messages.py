"""What a resident is told about an appeal: pure."""

from datetime import datetime

from app.core.calendar import in_zone
from app.governance.appeals.schemas import Effects
from app.governance.models import AppealState
from app.notifications.service import Notice
from app.wechat.message_fields import date_text

DECIDED = "appeal_decided"
SUBJECT = "appeal"
ENDINGS = {
    AppealState.UPHELD: "申诉成立",
    AppealState.PARTLY_UPHELD: "申诉部分成立",
    AppealState.DISMISSED: "申诉不成立",
}


def decided_notice(
    person_id: int,
    appeal_id: int,
    *,
    state: AppealState,
    subject_name: str,
    outcome: str,
    effects: Effects,
    decided_at: datetime,
    timezone: str,
) -> Notice:
    """Tell how an appeal was decided, why, and what was put right."""
    ending = ENDINGS[state]
    put_right = f"已为您更正积分 {effects.points} 分。" if effects.points else ""
    fields = {
        "title": subject_name,
        "status": ending.removeprefix("申诉"),
        "time": date_text(in_zone(timezone, decided_at)),
        "note": f"{ending} {put_right}".strip(),
    }
    body = f"您对“{subject_name}”的{ending}。{put_right}裁定理由：{outcome}"
    return Notice(person_id, DECIDED, ending, body, SUBJECT, appeal_id, fields)


def memo(subject_name: str) -> str:
    """Return how a statement names what an appeal moved."""
    return f"申诉更正：{subject_name}"
