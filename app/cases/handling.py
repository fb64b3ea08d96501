"""What staff and reporters do to a case that lies on their desk."""

from collections.abc import Sequence
from datetime import timedelta

from app.cases import credit, policies, queries
from app.cases.deadlines import due_after, due_in, left_seconds
from app.cases.desk import Desk
from app.cases.errors import (
    BouncedTooOften,
    CaseNotFound,
    CasePhotoNotFound,
    ConfirmationClosed,
    DuplicateOfItself,
    GridHasNoSuchWorker,
    OwnCase,
)
from app.cases.schemas import CaseMoved, Progress, Rating, Resolution, Route
from app.cases.workflow import IN_HAND, OPEN
from app.community.errors import GridNotFound
from app.core.access import Permission
from app.ledger.queries import lock_balances
from app.rules.models import ArrivesOn


async def accept(desk: Desk) -> CaseMoved:
    """Take a case on; the clock for solving it starts."""
    case = desk.case
    case.assigned_to = desk.actor.person_id
    case.answered_at = case.answered_at or desk.now
    desk.set_due(due_after(desk.now, desk.category.resolve_hours, timezone=desk.timezone))
    await desk.give(ArrivesOn.ACCEPTED)
    return await desk.move()


async def progress(desk: Desk, body: Progress) -> CaseMoved:
    """Note what was done; the finer status must stand for the present state."""
    desk.note = body.note
    return await desk.move(status_code=body.status_code or desk.case.status_code)


async def pause(desk: Desk, reason: str) -> CaseMoved:
    """Stop the clock, with a reason that the reporter reads."""
    case, desk.note = desk.case, reason
    if case.due_at is not None:
        case.left_seconds = left_seconds(desk.now, case.due_at, timezone=desk.timezone)
        case.pause_reason = reason
        case.due_at = case.escalates_at = None
    return await desk.move()


async def resume(desk: Desk) -> CaseMoved:
    """Let the clock go on where it stood."""
    case = desk.case
    if case.left_seconds is not None:
        desk.set_due(due_in(desk.now, case.left_seconds, timezone=desk.timezone))
    return await desk.move()


async def resolve(desk: Desk, body: Resolution) -> CaseMoved:
    """Say what was done; points that arrive with the solution arrive now."""
    case, desk.note = desk.case, body.result
    case.resolved_at = desk.now
    await _attach_photos(desk, body.photo_ids)
    await desk.give(ArrivesOn.RESOLVED)
    return await desk.move()


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
    desk.case.answered_at = desk.case.answered_at or desk.now
    await desk.take_back(reason)
    return await desk.move()


async def judge_fake(desk: Desk, reason: str) -> CaseMoved:
    """Judge a report untrue: everybody loses what it gave, with the reason."""
    desk.note = reason
    desk.case.answered_at = desk.case.answered_at or desk.now
    await desk.take_back(reason)
    return await desk.move()


async def mark_duplicate(desk: Desk, of_case_id: int) -> CaseMoved:
    """Join a case to another: its credit goes, its reporter and joiners earn as joiners there."""
    case = desk.case
    grids = policies.grids_of(desk.actor, Permission.CASES_HANDLE)
    other = await queries.lock_case(desk.session, case.community_id, of_case_id, grid_ids=grids)
    if other is None:
        raise CaseNotFound
    if other.case_id == case.case_id or other.state not in OPEN:
        raise DuplicateOfItself
    if policies.is_own(desk.actor, other):
        raise OwnCase
    case.answered_at = case.answered_at or desk.now
    desk.details["of_case_id"] = str(other.case_id)
    joiners = await queries.list_joiners(desk.session, case.community_id, case.case_id)
    joins = [{"resident_id": case.reporter_id, "joined_by": case.reported_by}]
    joins += [{"resident_id": row.resident_id, "joined_by": row.joined_by} for row in joiners]
    # Points go and come: all these wallets at once, or two such actions could wait in a circle.
    residents = [row["resident_id"] for row in joins]
    await lock_balances(desk.session, case.community_id, residents)
    await desk.take_back("重复上报")
    joins = [row for row in joins if row["resident_id"] != other.reporter_id]
    new = await queries.add_joins(
        desk.session, case.community_id, other.case_id, joins, now=desk.now
    )
    desk.points_given += await credit.welcome(
        desk.session, other, new, by=desk.actor.person_id, timezone=desk.timezone, now=desk.now
    )
    case.duplicate_of = other.case_id
    return await desk.move()


async def pass_on(desk: Desk, body: Route) -> CaseMoved:
    """Give a case to another grid; after too many times only the committee may."""
    if desk.case.bounces >= desk.settings.most_bounces:
        raise BouncedTooOften
    return await _reassign(desk, body, bounces=desk.case.bounces + 1)


async def route(desk: Desk, body: Route) -> CaseMoved:
    """The committee decides whose it is."""
    return await _reassign(desk, body, bounces=desk.case.bounces)


async def _reassign(desk: Desk, body: Route, *, bounces: int) -> CaseMoved:
    case, desk.note = desk.case, body.reason
    if not await queries.grid_exists(desk.session, case.community_id, body.grid_id):
        raise GridNotFound
    desk.details |= {"from_grid_id": str(case.grid_id), "to_grid_id": str(body.grid_id)}
    case.assigned_to = await _choose_worker(desk, body)
    case.grid_id, case.bounces = body.grid_id, bounces
    if case.state in IN_HAND:
        answer = due_after(desk.now, desk.category.answer_hours, timezone=desk.timezone)
        desk.set_due(answer)
    return await desk.move()


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
    _refuse_late(desk)
    case.rating, case.rating_comment = body.rating, body.comment or None
    await desk.give(ArrivesOn.CONFIRMED)
    return await desk.move()


async def not_fixed(desk: Desk, reason: str) -> CaseMoved:
    """The reporter says it is not fixed; the worker must answer again."""
    desk.note = reason
    _refuse_late(desk)
    desk.case.resolved_at = desk.case.closed_at = desk.case.result_event_id = None
    desk.set_due(due_after(desk.now, desk.category.answer_hours, timezone=desk.timezone))
    return await desk.move()


def _refuse_late(desk: Desk) -> None:
    until = timedelta(days=desk.settings.confirm_days)
    if desk.case.resolved_at is not None and desk.now >= desk.case.resolved_at + until:
        raise ConfirmationClosed


async def withdraw(desk: Desk) -> CaseMoved:
    """The reporter takes a case back that nobody has in hand; so goes its credit."""
    await desk.take_back("上报人撤回")
    return await desk.move()
