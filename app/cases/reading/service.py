"""Cases as those who ask may see them: own ones whole, others checked and blurred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import policies
from app.cases import queries as case_queries
from app.cases.errors import CaseNotFound, CategoryNotFound
from app.cases.models import CaseState, StatusKind
from app.cases.reading import queries
from app.cases.schemas import (
    CaseEventRead,
    CaseRead,
    CaseSummary,
    CategoryList,
    CategoryRead,
    FlagRead,
    NearbyCase,
    NearbyCases,
    PhotoRead,
    StaffCaseRead,
    StaffCaseSummary,
)
from app.cases.workflow import Action, actions_in
from app.core.access import Actor, Permission
from app.core.coordinates import Position, blurred, bounding_box
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, read_cursor
from app.core.places import Place, on_map
from app.media.addresses import PhotoLinks
from app.media.models import CheckState

NEARBY_SHOWN = 5
CELL_METERS = 160  # no cell of core.coordinates is longer, from corner to corner
NEARBY_SINCE = timedelta(days=90)
REPORTERS_ACTIONS = (Action.WITHDRAW, Action.CONFIRM, Action.NOT_FIXED)
NOBODYS_ACTIONS = (Action.ESCALATE, Action.CLOSE)  # jobs take them


@dataclass(frozen=True, slots=True)
class Viewer:
    """In which community somebody looks, when, and how photos are addressed for them."""

    community_id: int
    links: PhotoLinks
    now: datetime


async def list_categories(session: AsyncSession, community_id: int) -> CategoryList:
    """Return the category tree."""
    rows = await case_queries.list_categories(session, community_id)
    return CategoryList(items=[CategoryRead.model_validate(row) for row in rows])


async def list_published(
    session: AsyncSession, viewer: Viewer, *, cursor: str | None, size: int
) -> Page[CaseSummary]:
    """Return what everybody may see, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_published(
        session, viewer.community_id, before=before, size=size + 1, now=viewer.now
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.case_id,))
    photos = await _photos(session, viewer, items, only_passed=True)
    read = [CaseSummary(**_summary(row, photos)) for row in items]
    return Page(items=read, next_cursor=next_cursor)


async def get_published(session: AsyncSession, viewer: Viewer, case_id: int) -> CaseSummary:
    """Return a case as everybody may see it."""
    row = await queries.get_published(session, viewer.community_id, case_id, now=viewer.now)
    if row is None:
        raise CaseNotFound
    photos = await _photos(session, viewer, [row], only_passed=True)
    return CaseSummary(**_summary(row, photos))


async def list_nearby(
    session: AsyncSession, viewer: Viewer, category_code: str, position: Position
) -> NearbyCases:
    """Return open cases of a category near a place: perhaps the one about to be reported.

    Near is the cell of about 100 m in which a case lies: its true place stays unknown.
    """
    category = await case_queries.get_category_by_code(session, viewer.community_id, category_code)
    if category is None:
        raise CategoryNotFound
    rows = await queries.list_nearby(
        session, viewer.community_id, category.category_id,
        position=position, box=bounding_box(position, category.near_meters + CELL_METERS),
        since=viewer.now - NEARBY_SINCE, size=NEARBY_SHOWN, now=viewer.now,
    )  # fmt: skip
    near = [row for row in rows if row.distance_meters <= category.near_meters]
    photos = await _photos(session, viewer, near, only_passed=True)
    return NearbyCases(
        items=[
            NearbyCase(**_summary(row, photos), distance_meters=round(row.distance_meters))
            for row in near
        ]
    )


async def list_own(
    session: AsyncSession, viewer: Viewer, reporter_id: int, *, cursor: str | None, size: int
) -> Page[StaffCaseSummary]:
    """Return a resident's own reports, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_own(
        session, viewer.community_id, reporter_id, before=before, size=size + 1, now=viewer.now
    )
    return _lines(rows, size, person_id=None)


async def list_for_staff(
    session: AsyncSession,
    viewer: Viewer,
    actor: Actor,
    *,
    chosen: str,
    cursor: str | None,
    size: int,
) -> Page[StaffCaseSummary]:
    """Return the cases of the actor's grids, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_for_staff(
        session, viewer.community_id, chosen=chosen,
        grid_ids=policies.grids_of(actor, Permission.CASES_HANDLE), person_id=actor.person_id,
        before=before, size=size + 1, now=viewer.now,
    )  # fmt: skip
    return _lines(rows, size, person_id=actor.person_id)


async def get_own(
    session: AsyncSession, viewer: Viewer, reporter_id: int, case_id: int
) -> CaseRead:
    """Return a case in full to the resident who reported it."""
    row = await queries.get_in_full(
        session, viewer.community_id, case_id, reporter_id=reporter_id, now=viewer.now
    )
    if row is None:
        raise CaseNotFound
    whole = await _whole(session, viewer, row)
    possible = [action for action in whole["actions"] if action in REPORTERS_ACTIONS]
    return CaseRead(**(whole | {"actions": possible}))


async def get_for_staff(
    session: AsyncSession, viewer: Viewer, actor: Actor, case_id: int
) -> StaffCaseRead:
    """Return a case in full to those who handle it."""
    row = await queries.get_in_full(
        session, viewer.community_id, case_id,
        grid_ids=policies.grids_of(actor, Permission.CASES_HANDLE), now=viewer.now,
    )  # fmt: skip
    if row is None:
        raise CaseNotFound
    whole = await _whole(session, viewer, row)
    flags = await queries.list_flags(session, viewer.community_id, case_id)
    barred = {*REPORTERS_ACTIONS, *NOBODYS_ACTIONS}
    if not actor.may(Permission.CASES_ROUTE):
        barred.add(Action.ROUTE)
    possible = [action for action in whole["actions"] if action not in barred]
    staff_only = {
        "actions": possible,
        "reporter_id": row.reporter_id,
        "reporter_masked_name": row.reporter_masked_name,
        "is_reported_by_staff": row.is_reported_by_staff,
        "assigned_to": row.assigned_to,
        "bounces": row.bounces,
        "escalations": row.escalations,
        "duplicate_of": row.duplicate_of,
        "flags": [FlagRead.model_validate(flag) for flag in flags],
    }
    return StaffCaseRead(**(whole | staff_only))


def _lines(rows: Sequence[Record], size: int, *, person_id: int | None) -> Page[StaffCaseSummary]:
    items, next_cursor = cut_page(rows, size, lambda row: (row.case_id,))
    read = [
        StaffCaseSummary(
            case_id=row.case_id,
            category_name=row.category_name,
            state=CaseState(row.state),
            status_name=row.status_name,
            grid_name=row.grid_name,
            description=row.description,
            address=row.address,
            joined=row.joined,
            reported_at=row.reported_at,
            due_at=row.due_at,
            is_overdue=bool(row.is_overdue),
            is_assigned_to_me=person_id is not None and row.assigned_to == person_id,
            bounces=row.bounces,
        )
        for row in items
    ]
    return Page(items=read, next_cursor=next_cursor)


async def _photos(
    session: AsyncSession, viewer: Viewer, cases: Sequence[Record], *, only_passed: bool
) -> Mapping[int, list[PhotoRead]]:
    """Return the photos by case, with links that hold for minutes."""
    found: dict[int, list[PhotoRead]] = {row.case_id: [] for row in cases}
    if not found:
        return found
    for row in await queries.list_photos(session, viewer.community_id, list(found)):
        if only_passed and (row.state != CheckState.PASSED or row.is_overtaken):
            continue
        url = await viewer.links.url(
            viewer.community_id, row.photo_id, row.served_key, now=viewer.now
        )
        found[row.case_id].append(
            PhotoRead(photo_id=row.photo_id, purpose=row.purpose, url=url, state=row.state)
        )
    return found


def _summary(row: Record, photos: Mapping[int, list[PhotoRead]]) -> dict[str, Any]:
    return {
        "case_id": row.case_id,
        "category_code": row.category_code,
        "category_name": row.category_name,
        "status_name": row.status_name,
        "kind": StatusKind(row.status_kind),
        "grid_name": row.grid_name,
        "description": row.description if row.is_text_shown else None,
        "place": _place(row, is_blurred=True),
        "photos": photos[row.case_id],
        "joined": row.joined,
        "is_overdue": bool(row.is_overdue),
        "reported_at": row.reported_at,
        "resolved_at": row.resolved_at,
        "result": row.result if row.is_result_shown else None,
    }


async def _whole(session: AsyncSession, viewer: Viewer, row: Record) -> dict[str, Any]:
    photos = await _photos(session, viewer, [row], only_passed=False)
    events = await queries.list_events(session, viewer.community_id, row.case_id)
    return {
        "case_id": row.case_id,
        "category_code": row.category_code,
        "category_name": row.category_name,
        "state": CaseState(row.state),
        "status_code": row.status_code,
        "status_name": row.status_name,
        "kind": StatusKind(row.status_kind),
        "grid_name": row.grid_name,
        "building_name": row.building_name,
        "description": row.description,
        "address": row.address,
        "place": _place(row, is_blurred=False),
        "photos": photos[row.case_id],
        "joined": row.joined,
        "reported_at": row.reported_at,
        "answered_at": row.answered_at,
        "resolved_at": row.resolved_at,
        "due_at": row.due_at,
        "is_overdue": bool(row.is_overdue),
        "pause_reason": row.pause_reason,
        "result": row.result,
        "rating": row.rating,
        "points_granted": row.points_granted,
        "history": [CaseEventRead.model_validate(event) for event in events],
        "actions": actions_in(CaseState(row.state)),
    }


def _place(row: Record, *, is_blurred: bool) -> Place | None:
    if row.latitude is None:
        return None
    position = Position(row.latitude, row.longitude)
    return on_map(blurred(position) if is_blurred else position)
