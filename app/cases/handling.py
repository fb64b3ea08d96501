"""What staff and reporters do to a case: every action is a step of the workflow's table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import credit, policies, queries
from app.cases.credit import Earning
from app.cases.deadlines import due_after, due_in, left_seconds, next_rung_at, rungs_of
from app.cases.errors import (
    BouncedTooOften,
    CaseMovedOn,
    CaseNotFound,
    CasePhotoNotFound,
    ConfirmationClosed,
    DuplicateOfItself,
    GridHasNoSuchWorker,
    OwnCase,
    StatusNotFound,
)
from app.cases.messages import tell_of_step
from app.cases.models import Case, CaseCategory, CaseSettings, CaseState
from app.cases.schemas import CaseMoved, Progress, Rating, Resolution, Route
from app.cases.workflow import IN_HAND, OPEN, Action, may_follow, next_state
from app.community.errors import GridNotFound
from app.core.access import Actor, Permission
from app.core.ids import new_id
from app.media.service import attach_check_text
from app.rules.models import ArrivesOn


@dataclass(slots=True)
class Desk:
    """A locked case with what its handling needs; `note` and `details` go into the history."""

    session: AsyncSession
    actor: Actor
    case: Case
    category: CaseCategory
    settings: CaseSettings
    timezone: str
    now: datetime
    note: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    points_given: int = 0
    points_taken: int = 0

    async def move(self, action: Action, *, status_code: str | None = None) -> CaseMoved:
        """Take a step: check the table, write state and history, tell people."""
        case = self.case
        if not may_follow(action, CaseState(case.state)):
            status = await queries.get_status(self.session, case.community_id, case.status_code)
            name = case.state if status is None else status.name
            raise CaseMovedOn(state=case.state, stands_at=name)
        case.state = next_state(action, CaseState(case.state))
        if case.state != CaseState.PAUSED:
            case.left_seconds = case.pause_reason = None
        status = await queries.get_status(
            self.session, case.community_id, status_code or case.state
        )
        if status is None or status.state != case.state:
            raise StatusNotFound
        case.status_code = status.code
        if case.state not in OPEN:
            case.due_at = case.escalates_at = None
            case.closed_at = self.now
        await self._record(action)
        await self.session.flush()
        await tell_of_step(
            self.session, case, action,
            category=self.category.name, status=status.name, note=self.note,
            timezone=self.timezone, now=self.now,
        )  # fmt: skip
        return CaseMoved(
            case_id=case.case_id,
            state=CaseState(case.state),
            status_code=status.code,
            status_name=status.name,
            due_at=case.due_at,
            points_given=self.points_given,
            points_taken=self.points_taken,
        )

    async def _record(self, action: Action) -> None:
        event_id = new_id(self.now)
        event = {
            "case_event_id": event_id,
            "case_id": self.case.case_id,
            "action": action,
            "state": self.case.state,
            "status_code": self.case.status_code,
            "person_id": self.actor.person_id,
            "note": self.note,
            "details": self.details,
        }
        await queries.add_events(self.session, self.case.community_id, [event], now=self.now)
        if action is Action.RESOLVE and self.note is not None:
            self.case.result_event_id = event_id
            await attach_check_text(
                self.session, self.case.community_id,
                subject_id=event_id, person_id=self.actor.person_id, text=self.note, now=self.now,
            )  # fmt: skip

    def set_due(self, due_at: datetime) -> None:
        """Start a clock: the ladder is climbed anew."""
        self.case.due_at = due_at
        self.case.escalations = 0
        self.case.escalates_at = next_rung_at(
            rungs_of(self.settings.ladder), 0,
            began=self.now, due_at=due_at, timezone=self.timezone,
        )  # fmt: skip

    async def give(self, step: ArrivesOn) -> None:
        """Award what arrives at this step, to the reporter and to those who joined."""
        case = self.case
        joiners = await queries.list_joiners(self.session, case.community_id, case.case_id)
        earning = Earning(
            case_id=case.case_id,
            rule_codes=self.category.rule_codes,
            arrives_on=step,
            reported_at=case.reported_at,
            recorded_by=self.actor.person_id,
            title=self.category.name,
            timezone=self.timezone,
            reporter_id=case.reporter_id,
            joiners=[(row.resident_id, row.joined_at) for row in joiners],
        )
        outcomes = await credit.give(self.session, case.community_id, earning, now=self.now)
        self.points_given += credit.total(outcomes)

    async def take_back(self, reason: str) -> None:
        """Take back all that this case has given."""
        self.points_taken += await credit.withdraw(
            self.session, self.case.community_id, self.case.case_id,
            reason=reason, by=self.actor.person_id, timezone=self.timezone, now=self.now,
        )  # fmt: skip


async def open_desk(
    session: AsyncSession, actor: Actor, case_id: int, *, also: int | None = None, now: datetime
) -> Desk:
    """Lock a case that the actor may handle; raises CaseNotFound, OwnCase.

    `also` is another case that will be locked: the lower number goes first, so that two joined
    to each other do not wait in a circle.
    """
    grids = policies.grids_of(actor, Permission.CASES_HANDLE)
    if also is not None and also < case_id:
        await queries.lock_case(session, actor.community, also, grid_ids=grids)
    case = await queries.lock_case(session, actor.community, case_id, grid_ids=grids)
    desk = await _desk(session, actor, case, now)
    if policies.is_own(actor, desk.case):
        raise OwnCase
    return desk


async def open_own(session: AsyncSession, actor: Actor, case_id: int, *, now: datetime) -> Desk:
    """Lock a case that the actor has reported; raises CaseNotFound."""
    case = await queries.lock_case(session, actor.community, case_id, reporter_id=actor.resident)
    return await _desk(session, actor, case, now)


async def _desk(session: AsyncSession, actor: Actor, case: Case | None, now: datetime) -> Desk:
    if case is None:
        raise CaseNotFound
    frame = await queries.get_frame(session, case.community_id, case.category_id)
    if frame is None:
        raise CaseNotFound
    # A step is written as a whole, when it is taken: half of one would break the constraints.
    session.autoflush = False
    return Desk(session, actor, case, *frame, now)


async def accept(desk: Desk) -> CaseMoved:
    """Take a case on; the clock for solving it starts."""
    case = desk.case
    if may_follow(Action.ACCEPT, CaseState(case.state)):
        case.assigned_to = desk.actor.person_id
        case.answered_at = case.answered_at or desk.now
        desk.set_due(due_after(desk.now, desk.category.resolve_hours, timezone=desk.timezone))
        await desk.give(ArrivesOn.ACCEPTED)
    return await desk.move(Action.ACCEPT)


async def progress(desk: Desk, body: Progress) -> CaseMoved:
    """Note what was done; the finer status must stand for the present state."""
    desk.note = body.note
    return await desk.move(Action.PROGRESS, status_code=body.status_code or desk.case.status_code)


async def pause(desk: Desk, reason: str) -> CaseMoved:
    """Stop the clock, with a reason that the reporter reads."""
    case, desk.note = desk.case, reason
    if may_follow(Action.PAUSE, CaseState(case.state)) and case.due_at is not None:
        case.left_seconds = left_seconds(desk.now, case.due_at, timezone=desk.timezone)
        case.pause_reason = reason
        case.due_at = case.escalates_at = None
    return await desk.move(Action.PAUSE)


async def resume(desk: Desk) -> CaseMoved:
    """Let the clock go on where it stood."""
    case = desk.case
    if may_follow(Action.RESUME, CaseState(case.state)) and case.left_seconds is not None:
        desk.set_due(due_in(desk.now, case.left_seconds, timezone=desk.timezone))
    return await desk.move(Action.RESUME)


async def resolve(desk: Desk, body: Resolution) -> CaseMoved:
    """Say what was done; points that arrive with the solution arrive now."""
    case, desk.note = desk.case, body.result
    if may_follow(Action.RESOLVE, CaseState(case.state)):
        case.resolved_at = desk.now
        await _attach_photos(desk, body.photo_ids)
        await desk.give(ArrivesOn.RESOLVED)
    return await desk.move(Action.RESOLVE)


async def _attach_photos(desk: Desk, photo_ids: Sequence[int]) -> None:
    if not photo_ids:
        return
    case = desk.case
    attached = await queries.add_result_photos(
        desk.session, case.community_id, case.case_id, photo_ids, person_id=desk.actor.person_id
    )
    if attached != len(photo_ids):
        raise CasePhotoNotFound


async def refuse(desk: Desk, reason: str) -> CaseMoved:
    """Refuse a case with a reason; credit given for it is taken back."""
    desk.note = reason
    if may_follow(Action.REFUSE, CaseState(desk.case.state)):
        desk.case.answered_at = desk.case.answered_at or desk.now
        await desk.take_back(reason)
    return await desk.move(Action.REFUSE)


async def judge_fake(desk: Desk, reason: str) -> CaseMoved:
    """Judge a report untrue: everybody loses what it gave, with the reason."""
    desk.note = reason
    if may_follow(Action.JUDGE_FAKE, CaseState(desk.case.state)):
        desk.case.answered_at = desk.case.answered_at or desk.now
        await desk.take_back(reason)
    return await desk.move(Action.JUDGE_FAKE)


async def mark_duplicate(desk: Desk, of_case_id: int) -> CaseMoved:
    """Join a case to another: its reporter and joiners join there, its own credit goes."""
    case = desk.case
    if not may_follow(Action.MARK_DUPLICATE, CaseState(case.state)):
        return await desk.move(Action.MARK_DUPLICATE)
    grids = policies.grids_of(desk.actor, Permission.CASES_HANDLE)
    other = await queries.lock_case(desk.session, case.community_id, of_case_id, grid_ids=grids)
    if other is None:
        raise CaseNotFound
    if other.case_id == case.case_id or other.state not in OPEN:
        raise DuplicateOfItself
    case.answered_at = case.answered_at or desk.now
    desk.details["of_case_id"] = str(other.case_id)
    await desk.take_back("重复上报")
    joiners = await queries.list_joiners(desk.session, case.community_id, case.case_id)
    joins = [{"resident_id": case.reporter_id, "joined_by": case.reported_by}]
    joins += [{"resident_id": row.resident_id, "joined_by": row.joined_by} for row in joiners]
    joins = [row for row in joins if row["resident_id"] != other.reporter_id]
    await queries.add_joins(desk.session, case.community_id, other.case_id, joins, now=desk.now)
    case.duplicate_of = other.case_id
    return await desk.move(Action.MARK_DUPLICATE)


async def pass_on(desk: Desk, body: Route) -> CaseMoved:
    """Give a case to another grid; after too many times only the committee may."""
    is_possible = may_follow(Action.PASS_ON, CaseState(desk.case.state))
    if is_possible and desk.case.bounces >= desk.settings.most_bounces:
        raise BouncedTooOften
    return await _reassign(desk, Action.PASS_ON, body, bounces=desk.case.bounces + 1)


async def route(desk: Desk, body: Route) -> CaseMoved:
    """The committee decides whose it is."""
    return await _reassign(desk, Action.ROUTE, body, bounces=desk.case.bounces)


async def _reassign(desk: Desk, action: Action, body: Route, *, bounces: int) -> CaseMoved:
    case, desk.note = desk.case, body.reason
    if may_follow(action, CaseState(case.state)):
        if not await queries.grid_exists(desk.session, case.community_id, body.grid_id):
            raise GridNotFound
        desk.details |= {"from_grid_id": str(case.grid_id), "to_grid_id": str(body.grid_id)}
        case.assigned_to = await _choose_worker(desk, body)
        case.grid_id, case.bounces = body.grid_id, bounces
        if case.state in IN_HAND:
            answer = due_after(desk.now, desk.category.answer_hours, timezone=desk.timezone)
            desk.set_due(answer)
    return await desk.move(action)


async def _choose_worker(desk: Desk, body: Route) -> int | None:
    """Return the named worker or the least busy one of the grid; never the reporter."""
    session, case = desk.session, desk.case
    persons = await queries.list_persons(session, case.community_id, [case.reporter_id])
    reporter = persons.get(case.reporter_id)
    if body.worker_id is None:
        return await queries.least_busy_worker(
            session, case.community_id, body.grid_id, reporter=reporter
        )
    staff = await queries.list_staff(session, case.community_id, [body.grid_id])
    if body.worker_id not in {row.person_id for row in staff if row.grid_id == body.grid_id}:
        raise GridHasNoSuchWorker
    if body.worker_id == reporter:
        raise OwnCase
    return body.worker_id


async def confirm(desk: Desk, body: Rating) -> CaseMoved:
    """The reporter says it is fixed, and how well."""
    case, desk.note = desk.case, body.comment or None
    if may_follow(Action.CONFIRM, CaseState(case.state)):
        _refuse_late(desk)
        case.rating, case.rating_comment = body.rating, body.comment or None
        await desk.give(ArrivesOn.CONFIRMED)
    return await desk.move(Action.CONFIRM)


async def not_fixed(desk: Desk, reason: str) -> CaseMoved:
    """The reporter says it is not fixed; the worker must answer again."""
    desk.note = reason
    if may_follow(Action.NOT_FIXED, CaseState(desk.case.state)):
        _refuse_late(desk)
        desk.case.resolved_at = desk.case.closed_at = desk.case.result_event_id = None
        desk.set_due(due_after(desk.now, desk.category.answer_hours, timezone=desk.timezone))
    return await desk.move(Action.NOT_FIXED)


def _refuse_late(desk: Desk) -> None:
    until = timedelta(days=desk.settings.confirm_days)
    if desk.case.resolved_at is not None and desk.now >= desk.case.resolved_at + until:
        raise ConfirmationClosed


async def withdraw(desk: Desk) -> CaseMoved:
    """The reporter takes a case back before anybody has taken it on; so goes its credit."""
    if may_follow(Action.WITHDRAW, CaseState(desk.case.state)):
        await desk.take_back("上报人撤回")
    return await desk.move(Action.WITHDRAW)
