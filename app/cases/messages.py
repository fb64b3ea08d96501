"""What people are told about cases: reporters, joiners, workers, the committee."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import queries
from app.cases.models import Case
from app.cases.workflow import Action
from app.core.calendar import in_zone
from app.core.database import Record
from app.notifications.service import Notice, notify
from app.wechat.message_fields import date_text

PROGRESS = "case_progress"
ASSIGNED = "case_assigned"
OVERDUE = "case_overdue"
SUBJECT = "case"

_TO_REPORTER = {
    Action.ACCEPT: "{whose}“{category}”已受理，网格员正在处理。",
    Action.PAUSE: "{whose}“{category}”暂缓处理：{note}",
    Action.RESUME: "{whose}“{category}”已恢复处理。",
    Action.RESOLVE: "{whose}“{category}”已处理：{note} 请确认是否已解决。",
    Action.REFUSE: "{whose}“{category}”未予受理：{note}",
    Action.JUDGE_FAKE: "{whose}“{category}”经核实不属实，积分已收回：{note} 如有异议可申诉。",
    Action.MARK_DUPLICATE: "{whose}“{category}”与已有事件重复，已并入该事件，您已列为附议人。",
    Action.PASS_ON: "{whose}“{category}”已转由其他网格办理：{note}",
    Action.ROUTE: "{whose}“{category}”已由居委会指定办理：{note}",
    Action.PROGRESS: "{whose}“{category}”有新进展：{note}",
}
_TO_JOINERS = {Action.WITHDRAW: "{whose}“{category}”已由上报人撤回，附议所得积分一并收回。"}
_YOUR_REPORT, _YOU_JOINED = "您上报的", "您附议的"
_TO_WORKER = {
    Action.NOT_FIXED: "居民反映“{category}”仍未解决：{note}",
    Action.WITHDRAW: "“{category}”已由上报人撤回。",
    Action.CONFIRM: "居民已确认“{category}”解决。",
    Action.PASS_ON: "“{category}”已转由您的网格办理：{note}",
    Action.ROUTE: "居委会指定由您的网格办理“{category}”：{note}",
}
_MOVED = (Action.PASS_ON, Action.ROUTE)


async def tell_of_new_case(
    session: AsyncSession,
    community_id: int,
    case_id: int,
    context: Record,
    address: str,
    *,
    now: datetime,
) -> None:
    """Tell the worker whose it is, or the committee if the grid has none."""
    persons: Sequence[int] = [context.worker_id]
    if context.worker_id is None:
        persons = await _handlers(session, community_id, context.grid_id, None)
    body = f"{context.grid_name}有新上报：{context.category_name} {address}".strip()
    fields = {
        "title": context.category_name,
        "status": context.status_name,
        "time": date_text(in_zone(context.timezone, now)),
        "place": address or context.grid_name,
        "note": body,
    }
    notices = [
        Notice(person_id, ASSIGNED, "新事件待受理", body, SUBJECT, case_id, fields)
        for person_id in persons
    ]
    await notify(session, community_id, notices, now=now)


async def tell_of_step(
    session: AsyncSession,
    case: Case,
    action: Action,
    *,
    category: str,
    status: str,
    note: str | None,
    timezone: str,
    now: datetime,
) -> None:
    """Tell whoever waits for it: the reporter and joiners, or the worker."""
    told = await _told_to_residents(session, case, action, category=category, note=note)
    told |= await _told_to_handlers(session, case, action, category=category, note=note)
    fields = {
        "title": category,
        "status": status,
        "time": date_text(in_zone(timezone, now)),
        "note": note or status,
    }
    # What was joined to another goes on there, and there those who joined can look.
    subject_id = case.duplicate_of or case.case_id
    notices = [
        Notice(
            person_id, kind, f"{category}：{status}", body, SUBJECT, subject_id,
            fields | {"place": place or category},
        )
        for person_id, (kind, body, place) in told.items()
    ]  # fmt: skip
    await notify(session, case.community_id, notices, now=now)


async def _told_to_residents(
    session: AsyncSession, case: Case, action: Action, *, category: str, note: str | None
) -> dict[int, tuple[str, str, str]]:
    """Return person → kind, body and place; those who joined see no more of it than others do."""
    to_reporter = _TO_REPORTER.get(action)
    to_joiners = to_reporter or _TO_JOINERS.get(action)
    if to_joiners is None:
        return {}
    reporter, joiners = await _reporter_and_joiners(session, case)
    words = to_joiners.format(whose=_YOU_JOINED, category=category, note=note or "")
    told = dict.fromkeys(joiners, (PROGRESS, words, ""))
    if to_reporter is not None and reporter is not None:
        words = to_reporter.format(whose=_YOUR_REPORT, category=category, note=note or "")
        told[reporter] = (PROGRESS, words, case.address)
    return told


async def _told_to_handlers(
    session: AsyncSession, case: Case, action: Action, *, category: str, note: str | None
) -> dict[int, tuple[str, str, str]]:
    template = _TO_WORKER.get(action)
    if template is None:
        return {}
    persons = await _handlers(session, case.community_id, case.grid_id, case.assigned_to)
    kind = ASSIGNED if action in _MOVED else PROGRESS
    body = template.format(category=category, note=note or "")
    return dict.fromkeys(persons, (kind, body, case.address))


async def _handlers(
    session: AsyncSession, community_id: int, grid_id: int, worker_id: int | None
) -> Sequence[int]:
    """Return the worker whose it is, or the committee where nobody of the grid has it."""
    staff = await queries.list_staff(session, community_id, [grid_id])
    # Whoever has left office since is told nothing more of a case.
    if worker_id is not None and worker_id in {row.person_id for row in staff}:
        return [worker_id]
    return sorted({row.person_id for row in staff if row.role == "committee"})


async def _reporter_and_joiners(
    session: AsyncSession, case: Case
) -> tuple[int | None, Sequence[int]]:
    """Return their persons; for a resident without a phone, the worker who reported for them.

    Who has left is nobody's person any more, and gets nothing under the number they once had.
    """
    joiners = await queries.list_joiners(session, case.community_id, case.case_id)
    residents = [case.reporter_id, *(row.resident_id for row in joiners)]
    persons = await queries.list_persons(session, case.community_id, residents)
    reporter = persons.pop(case.reporter_id, None)
    if reporter is None and await queries.is_staff(session, case.community_id, case.reported_by):
        reporter = case.reported_by
    return reporter, list(persons.values())


def overdue_notices(
    case: Record, persons: Sequence[int], *, timezone: str, now: datetime
) -> list[Notice]:
    """Return what the ladder says at a step."""
    due = date_text(in_zone(timezone, case.due_at))
    is_late = case.due_at <= now
    body = f"“{case.name}”{'已超过' if is_late else '即将到'}办理时限（{due}），请尽快处理。"
    fields = {
        "title": case.name,
        "status": "已超时" if is_late else "即将超时",
        "time": due,
        "place": case.name,
        "note": body,
    }
    return [
        Notice(person_id, OVERDUE, "事件办理时限提醒", body, SUBJECT, case.case_id, fields)
        for person_id in persons
    ]
