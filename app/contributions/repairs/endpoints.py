"""Repair tasks: /v1/me to do and report them, /v1/staff to decide."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.contributions.by_hand.errors import NothingLeftToReverse
from app.contributions.errors import ResidentHasPhone
from app.contributions.evidence.errors import EvidencePhotoNotFound
from app.contributions.repairs import deciding, service
from app.contributions.repairs.errors import (
    OwnRepair,
    RepairNotOpen,
    RepairNotReported,
    RepairTaskLapsed,
    RepairTaskNotFound,
)
from app.contributions.repairs.models import RepairState
from app.contributions.repairs.schemas import (
    RepairRefusal,
    RepairReport,
    RepairTaskRead,
    StaffRepairTaskRead,
)
from app.core.access import Actor, Permission, Require
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session
from app.ledger.errors import CheckerIsMaker
from app.media.addresses import PhotoLinks

router = APIRouter(tags=["contributions"])
ByResident = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_READ_OWN))]
Enterer = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_ENTER))]
Checker = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_CHECK))]
Chosen = Annotated[RepairState | None, Query(description="In which state; all, if left out")]


async def get_links(request: Request) -> PhotoLinks:
    links: PhotoLinks = request.app.state.photo_links
    return links


Links = Annotated[PhotoLinks, Depends(get_links)]
reporting = (
    RepairTaskNotFound, RepairTaskLapsed, RepairNotOpen, EvidencePhotoNotFound,
    IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip
decisions = (RepairTaskNotFound, RepairNotReported, OwnRepair, CheckerIsMaker)


@router.get("/v1/me/repairs")
async def list_my_repairs(
    actor: ByResident,
    session: Session,
    links: Links,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[RepairTaskRead]:
    """Return what I can do, or have done, to get points of a deduction back, newest first."""
    return await service.list_own(session, links, actor, cursor=cursor, size=size, now=now)


@router.post(
    "/v1/me/repairs/{repair_task_id}/report",
    response_model=RepairTaskRead,
    responses=problem_responses(*reporting),
)
async def report_my_repair(
    repair_task_id: Id,
    body: RepairReport,
    actor: ByResident,
    session: Session,
    links: Links,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Say that it is done; if it is not accepted, say so again in time."""
    return await once.run(
        session, actor, now,
        lambda: service.report_own(session, links, actor, repair_task_id, body, now=now),
        status=200,
    )  # fmt: skip


@router.get("/v1/staff/repairs")
async def list_repairs(
    actor: Enterer,
    session: Session,
    links: Links,
    now: Now,
    state: Chosen = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StaffRepairTaskRead]:
    """Return repair tasks of the residents in my grids, newest first."""
    return await service.list_repairs(
        session, links, actor, state=state, cursor=cursor, size=size, now=now
    )


@router.post(
    "/v1/staff/repairs/{repair_task_id}/report",
    response_model=StaffRepairTaskRead,
    responses=problem_responses(*reporting, ResidentHasPhone),
)
async def report_repair(
    repair_task_id: Id,
    body: RepairReport,
    actor: Enterer,
    session: Session,
    links: Links,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Say for a resident without a phone that it is done."""
    return await once.run(
        session, actor, now,
        lambda: service.report_for(session, links, actor, repair_task_id, body, now=now),
        status=200,
    )  # fmt: skip


@router.post(
    "/v1/staff/repairs/{repair_task_id}/acceptance",
    responses=problem_responses(*decisions, NothingLeftToReverse),
)
async def accept_repair(
    repair_task_id: Id, actor: Checker, session: Session, links: Links, now: Now
) -> StaffRepairTaskRead:
    """Give the points back for what somebody else reported; pressed again, once."""
    repair = await deciding.accept_repair(session, actor, repair_task_id, now=now)
    return await service.describe_for_staff(session, links, repair, now=now)


@router.post("/v1/staff/repairs/{repair_task_id}/refusal", responses=problem_responses(*decisions))
async def refuse_repair(
    repair_task_id: Id,
    body: RepairRefusal,
    actor: Checker,
    session: Session,
    links: Links,
    now: Now,
) -> StaffRepairTaskRead:
    """Say what is missing; it can be reported again until its date."""
    repair = await deciding.refuse_repair(
        session, actor, repair_task_id, reason=body.reason, now=now
    )
    return await service.describe_for_staff(session, links, repair, now=now)
