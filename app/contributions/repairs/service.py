"""Offering repair tasks, reporting them done, and giving points back for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.residents import queries as residents
from app.contributions import queries as contributions
from app.contributions.errors import ResidentHasPhone
from app.contributions.evidence import service as evidence
from app.contributions.evidence.schemas import EvidencePhotoRead
from app.contributions.repairs import queries
from app.contributions.repairs.errors import (
    RepairNotOpen,
    RepairTaskLapsed,
    RepairTaskNotFound,
)
from app.contributions.repairs.models import RepairState, RepairTask
from app.contributions.repairs.schemas import RepairReport, RepairTaskRead, StaffRepairTaskRead
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, cut_page, read_cursor
from app.ledger.lapses import end_of
from app.media.addresses import PhotoLinks


@dataclass(frozen=True, slots=True)
class Offer:
    """What a resident can do within so many days to get points of a deduction back."""

    contribution_id: int
    resident_id: int
    task: str
    points: int
    days: int


async def offer_repair(
    session: AsyncSession, community_id: int, offer: Offer, *, timezone: str, now: datetime
) -> RepairTask:
    """Offer a repair of a deduction; its last day is that many days from today."""
    repair = RepairTask(
        community_id=community_id,
        repair_task_id=new_id(now),
        contribution_id=offer.contribution_id,
        resident_id=offer.resident_id,
        task=offer.task,
        points=offer.points,
        due_at=end_of(day_in(timezone, now) + timedelta(days=offer.days), timezone),
        state=RepairState.OFFERED,
    )
    session.add(repair)
    await session.flush()
    return repair


async def lapse_if_nothing_stands(session: AsyncSession, repair: RepairTask | None) -> None:
    """End a repair, locked before, of a deduction that was given back: nothing is left to earn."""
    if repair is None:
        return
    left = await contributions.get_standing(session, repair.community_id, repair.contribution_id)
    if left is None:
        repair.state = RepairState.LAPSED
        await session.flush()


async def report_own(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    repair_task_id: int,
    body: RepairReport,
    *,
    now: datetime,
) -> RepairTaskRead:
    """Say that a task of one's own is done; after a refusal again, as long as there is time."""
    repair = await queries.lock_repair(session, actor.community, repair_task_id)
    if repair is None or repair.resident_id != actor.resident:
        raise RepairTaskNotFound
    await _report(session, actor, repair, body, now=now)
    photos = await describe_photos(session, links, actor.community, [repair], now=now)
    return _read(repair, photos)


async def report_for(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    repair_task_id: int,
    body: RepairReport,
    *,
    now: datetime,
) -> StaffRepairTaskRead:
    """Say it for a resident without a phone; raises RepairTaskNotFound, ResidentHasPhone."""
    repair = await queries.lock_repair(session, actor.community, repair_task_id)
    if repair is None:
        raise RepairTaskNotFound
    resident = await residents.get_resident(session, actor, repair.resident_id)
    if resident is None:
        raise RepairTaskNotFound
    if resident.person_id is not None:
        raise ResidentHasPhone
    await _report(session, actor, repair, body, now=now)
    return await describe_for_staff(session, links, repair, now=now)


async def list_own(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    *,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[RepairTaskRead]:
    """Return the caller's own repair tasks, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_of_resident(
        session, actor.community, actor.resident, before=before, size=size + 1
    )
    repairs, next_cursor = cut_page(found, size, lambda repair: (repair.repair_task_id,))
    photos = await describe_photos(session, links, actor.community, repairs, now=now)
    return Page(items=[_read(repair, photos) for repair in repairs], next_cursor=next_cursor)


async def list_repairs(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    *,
    state: RepairState | None,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[StaffRepairTaskRead]:
    """Return repair tasks of the residents the caller works for, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_of_grids(session, actor, state=state, before=before, size=size + 1)
    repairs, next_cursor = cut_page(found, size, lambda repair: (repair.repair_task_id,))
    photos = await describe_photos(session, links, actor.community, repairs, now=now)
    items = [_read_for_staff(repair, photos) for repair in repairs]
    return Page(items=items, next_cursor=next_cursor)


async def list_of_deductions(
    session: AsyncSession,
    links: PhotoLinks,
    community_id: int,
    contribution_ids: Sequence[int],
    *,
    now: datetime,
) -> Mapping[int, RepairTaskRead]:
    """Return the repair tasks of deductions, by deduction."""
    repairs = await queries.list_of_deductions(session, community_id, contribution_ids)
    photos = await describe_photos(session, links, community_id, repairs, now=now)
    return {repair.contribution_id: _read(repair, photos) for repair in repairs}


async def describe_for_staff(
    session: AsyncSession, links: PhotoLinks, repair: RepairTask, *, now: datetime
) -> StaffRepairTaskRead:
    photos = await describe_photos(session, links, repair.community_id, [repair], now=now)
    return _read_for_staff(repair, photos)


async def describe_photos(
    session: AsyncSession,
    links: PhotoLinks,
    community_id: int,
    repairs: Sequence[RepairTask],
    *,
    now: datetime,
) -> Mapping[int, list[EvidencePhotoRead]]:
    numbers = [repair.repair_task_id for repair in repairs]
    return await evidence.describe_photos(session, links, community_id, numbers, now=now)


async def _report(
    session: AsyncSession, actor: Actor, repair: RepairTask, body: RepairReport, *, now: datetime
) -> None:
    if repair.state in (RepairState.REPORTED, RepairState.DONE):
        raise RepairNotOpen(state=repair.state)
    # Past its date it is over, whether the job has come by or not.
    if repair.state == RepairState.LAPSED or now >= repair.due_at:
        raise RepairTaskLapsed
    repair.state = RepairState.REPORTED
    repair.report = body.report
    repair.reported_by = actor.person_id
    repair.reported_at = now
    repair.decided_by = repair.decided_at = None
    await session.flush()
    await evidence.attach_photos(
        session, repair.community_id, repair.repair_task_id, body.photo_ids,
        person_id=actor.person_id,
    )  # fmt: skip


def _read(repair: RepairTask, photos: Mapping[int, list[EvidencePhotoRead]]) -> RepairTaskRead:
    return RepairTaskRead(
        repair_task_id=repair.repair_task_id,
        contribution_id=repair.contribution_id,
        task=repair.task,
        points=repair.points,
        due_at=repair.due_at,
        state=RepairState(repair.state),
        report=repair.report,
        photos=photos[repair.repair_task_id],
        reported_at=repair.reported_at,
        decided_at=repair.decided_at,
        refusal=repair.refusal,
    )


def _read_for_staff(
    repair: RepairTask, photos: Mapping[int, list[EvidencePhotoRead]]
) -> StaffRepairTaskRead:
    return StaffRepairTaskRead(
        **dict(_read(repair, photos)),
        resident_id=repair.resident_id,
        reported_by=repair.reported_by,
        decided_by=repair.decided_by,
    )
