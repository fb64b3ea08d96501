"""What a resident is told about an appeal: pure."""

from datetime import datetime

from app.contributions.telling.service import Message
from app.governance.appeals.schemas import Effects
from app.governance.models import AppealState

DECIDED = "appeal_decided"
SUBJECT = "appeal"
ENDINGS = {
    AppealState.UPHELD: "申诉成立",
    AppealState.PARTLY_UPHELD: "申诉部分成立",
    AppealState.DISMISSED: "申诉不成立",
}


def decided(
    appeal_id: int,
    *,
    state: AppealState,
    subject_name: str,
    outcome: str,
    effects: Effects,
    decided_at: datetime,
) -> Message:
    """Tell how an appeal was decided, why, and what was put right."""
    ending, put_right = ENDINGS[state], _put_right(effects)
    if state != AppealState.DISMISSED and not put_right:
        put_right = "积分没有变动。"
    return Message(
        kind=DECIDED,
        title=ending,
        body=f"您对“{subject_name}”的{ending}。{put_right}裁定理由：{outcome}",
        status=ending.removeprefix("申诉"),
        note=f"{subject_name}：{put_right or ending}",
        subject_kind=SUBJECT,
        subject_id=appeal_id,
        at=decided_at,
    )


def _put_right(effects: Effects) -> str:
    if effects.points == 0:
        return ""
    return f"已{'返还' if effects.given_back_points else '补发'} {effects.points} 分。"


def memo(subject_name: str) -> str:
    """Return how a statement names what an appeal moved."""
    return f"申诉更正：{subject_name}"
