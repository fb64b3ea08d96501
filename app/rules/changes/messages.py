"""What a proposer reads about the change of rules: pure."""

from datetime import datetime

from app.core.calendar import in_zone
from app.notifications.service import Notice
from app.rules.changes.schemas import ChangeKind
from app.rules.models import ChangeState, RuleChange
from app.rules.wording import PROCEDURE
from app.wechat.message_fields import date_text

RULE_CHANGE_DECIDED = "rule_change_decided"
SUBJECT = "rule_change"


def decision_message(change: RuleChange, *, timezone: str) -> Notice:
    """Tell the proposer what was decided, and from when on it holds."""
    is_adopted = change.state == ChangeState.ADOPTED
    status = "已通过" if is_adopted else "未通过"
    day = _day(in_zone(timezone, change.effective_from))
    body = f"您提出的规则变更“{change.title}”{status}" + (
        f"，{_begins(change, day)}。" if is_adopted else f"：{change.decision_reason}"
    )
    note = f"{day}起生效" if is_adopted else change.decision_reason or status
    decided_at = change.decided_at or change.notice_until
    fields = {
        "title": change.title,
        "status": status,
        "time": date_text(in_zone(timezone, decided_at)),
        "note": note,
    }
    return Notice(
        change.proposed_by, RULE_CHANGE_DECIDED, f"规则变更{status}", body, SUBJECT,
        change.rule_change_id, fields,
    )  # fmt: skip


def _begins(change: RuleChange, day: str) -> str:
    """Say from when on it holds: rules from that day, the procedure from the adoption."""
    kinds = {stated["kind"] for stated in change.changes}
    if ChangeKind.PROCEDURE not in kinds:
        return f"自 {day}起生效"
    if len(kinds) == 1:
        return f"{PROCEDURE}即时生效"
    return f"规则自 {day}起生效，{PROCEDURE}即时生效"


def _day(local: datetime) -> str:
    return f"{local.year} 年 {local.month} 月 {local.day} 日"
