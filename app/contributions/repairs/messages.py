"""What residents read about their repair tasks: pure."""

from datetime import datetime

from app.contributions.repairs.models import RepairTask
from app.contributions.telling.service import Message
from app.core.calendar import in_zone
from app.wechat.message_fields import date_text

DECIDED = "repair_decided"
SUBJECT = "repair_task"


def accepted(repair: RepairTask, *, now: datetime) -> Message:
    """Tell that the points are back."""
    body = f"您完成的积分修复任务“{repair.task}”已确认，返还 {repair.points} 分。"
    return _decided(repair, "积分修复完成", body, "已返还", f"返还 {repair.points} 分", now)


def refused(repair: RepairTask, *, timezone: str, now: datetime) -> Message:
    """Tell what is missing, and whether there is time left for it."""
    body = f"积分修复任务“{repair.task}”暂未确认：{repair.refusal}。"
    if now < repair.due_at:
        body += f"您可在 {date_text(in_zone(timezone, repair.due_at))} 前补充后再次提交。"
    else:
        body += "任务期限已过，不能再次提交。"
    return _decided(repair, "积分修复未确认", body, "未确认", repair.refusal or "", now)


def _decided(
    repair: RepairTask, title: str, body: str, status: str, note: str, now: datetime
) -> Message:
    return Message(
        kind=DECIDED,
        title=title,
        body=body,
        status=status,
        note=note,
        subject_kind=SUBJECT,
        subject_id=repair.repair_task_id,
        at=now,
    )
