"""/v1/staff/cases: handling."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import handling, reporting
from app.cases.desk import Desk, open_desk
from app.cases.errors import (
    BouncedTooOften,
    CaseMovedOn,
    CaseNotFound,
    CasePhotoNotFound,
    CategoryNotFound,
    DuplicateOfItself,
    GridHasNoSuchWorker,
    NoGridHere,
    OwnCase,
    PhotoInUse,
    PlaceMissing,
    ResidentUnnamed,
    StatusNotFound,
)
from app.cases.reading import service as reading
from app.cases.reading.service import Viewer
from app.cases.reporting import Reporter
from app.cases.schemas import (
    CaseCreateForResident,
    CaseFiled,
    CaseMoved,
    Duplicate,
    Pause,
    Progress,
    Refusal,
    Resolution,
    Route,
    StaffCaseRead,
    StaffCaseSummary,
)
from app.cases.workflow import Action
from app.community.errors import GridNotFound, ResidentNotFound
from app.core import code_errors
from app.core.access import Actor, Permission, Require
from app.core.dependencies import Keys
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Once,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session

router = APIRouter(prefix="/v1/staff/cases", tags=["cases"])
Handler = Annotated[Actor, Depends(Require(Permission.CASES_HANDLE))]
Router = Annotated[Actor, Depends(Require(Permission.CASES_ROUTE))]
Chosen = Annotated[
    Literal["open", "mine", "overdue", "closed"], Query(description="Which cases to list")
]

refusals = (
    CaseNotFound, CaseMovedOn, OwnCase, IdempotencyKeyMissing, IdempotencyKeyReused,
    RequestInFlight,
)  # fmt: skip
routing = (*refusals, GridNotFound, GridHasNoSuchWorker)
filing = (
    CategoryNotFound, CasePhotoNotFound, PhotoInUse, PlaceMissing, NoGridHere, ResidentNotFound,
    ResidentUnnamed, code_errors.CodeUnreadable, code_errors.CodeForged, code_errors.CodeExpired,
    code_errors.CodeRevoked, code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind,
    IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseCall:
    """A request of staff to do something to a case."""

    actor: Actor
    session: AsyncSession
    once: Once
    now: datetime

    async def handle(
        self,
        case_id: int,
        action: Action,
        work: Callable[[Desk], Awaitable[CaseMoved]],
        *,
        also: int | None = None,
    ) -> JSONResponse:
        """Lock the case, do the work once, answer where the case stands."""

        async def locked() -> CaseMoved:
            desk = await open_desk(
                self.session, self.actor, case_id, action, also=also, now=self.now
            )
            return await work(desk)

        return await self.once.run(self.session, self.actor, self.now, locked, status=200)


async def by_handler(actor: Handler, session: Session, once: OnceOnly, now: Now) -> CaseCall:
    return CaseCall(actor, session, once, now)


async def by_router(actor: Router, session: Session, once: OnceOnly, now: Now) -> CaseCall:
    return CaseCall(actor, session, once, now)


ByHandler = Annotated[CaseCall, Depends(by_handler)]
ByRouter = Annotated[CaseCall, Depends(by_router)]


@router.get("")
async def list_staff_cases(
    request: Request,
    actor: Handler,
    session: Session,
    now: Now,
    chosen: Chosen = "open",
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StaffCaseSummary]:
    """Return the cases of my grids: open, mine, overdue or closed ones."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await reading.list_for_staff(
        session, viewer, actor, chosen=chosen, cursor=cursor, size=size
    )


@router.get("/{case_id}", responses=problem_responses(CaseNotFound))
async def get_staff_case(
    case_id: Id, request: Request, actor: Handler, session: Session, now: Now
) -> StaffCaseRead:
    """Return a case in full, with hints on its photos and what I may do."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await reading.get_for_staff(session, viewer, actor, case_id)


@router.post("", status_code=201, response_model=CaseFiled, responses=problem_responses(*filing))
async def report_case_for_resident(
    body: CaseCreateForResident,
    actor: Handler,
    session: Session,
    once: OnceOnly,
    keys: Keys,
    now: Now,
) -> JSONResponse:
    """Report for a resident, named by number or by the code of their phone or paper card."""

    async def work() -> CaseFiled:
        resident_id = await reporting.named_resident(session, actor, body, keys=keys, now=now)
        reporter = Reporter(resident_id, is_in_person=False)
        return await reporting.report_case(session, actor, reporter, body, now=now)

    return await once.run(session, actor, now, work)


@router.post("/{case_id}/accept", response_model=CaseMoved, responses=problem_responses(*refusals))
async def accept_case(case_id: Id, call: ByHandler) -> JSONResponse:
    """Take a case on; the clock for solving it starts."""
    return await call.handle(case_id, Action.ACCEPT, handling.accept)


@router.post(
    "/{case_id}/progress",
    response_model=CaseMoved,
    responses=problem_responses(*refusals, StatusNotFound),
)
async def note_progress(case_id: Id, body: Progress, call: ByHandler) -> JSONResponse:
    """Note what was done; the reporter reads it."""
    return await call.handle(case_id, Action.PROGRESS, lambda desk: handling.progress(desk, body))


@router.post("/{case_id}/pause", response_model=CaseMoved, responses=problem_responses(*refusals))
async def pause_case(case_id: Id, body: Pause, call: ByHandler) -> JSONResponse:
    """Stop the clock, with a reason."""
    return await call.handle(case_id, Action.PAUSE, lambda desk: handling.pause(desk, body.reason))


@router.post("/{case_id}/resume", response_model=CaseMoved, responses=problem_responses(*refusals))
async def resume_case(case_id: Id, call: ByHandler) -> JSONResponse:
    """Let the clock go on."""
    return await call.handle(case_id, Action.RESUME, handling.resume)


@router.post(
    "/{case_id}/resolve",
    response_model=CaseMoved,
    responses=problem_responses(*refusals, CasePhotoNotFound, PhotoInUse),
)
async def resolve_case(case_id: Id, body: Resolution, call: ByHandler) -> JSONResponse:
    """Say what was done, with photos; the reporter is asked whether it is fixed."""
    return await call.handle(case_id, Action.RESOLVE, lambda desk: handling.resolve(desk, body))


@router.post("/{case_id}/refuse", response_model=CaseMoved, responses=problem_responses(*refusals))
async def refuse_case(case_id: Id, body: Refusal, call: ByHandler) -> JSONResponse:
    """Refuse a case with a reason; what it gave is taken back."""
    return await call.handle(
        case_id, Action.REFUSE, lambda desk: handling.refuse(desk, body.reason)
    )


@router.post(
    "/{case_id}/judge-fake", response_model=CaseMoved, responses=problem_responses(*refusals)
)
async def judge_case_fake(case_id: Id, body: Refusal, call: ByHandler) -> JSONResponse:
    """Judge a report untrue; everybody loses what it gave, and reads why."""
    return await call.handle(
        case_id, Action.JUDGE_FAKE, lambda desk: handling.judge_fake(desk, body.reason)
    )


@router.post(
    "/{case_id}/mark-duplicate",
    response_model=CaseMoved,
    responses=problem_responses(*refusals, DuplicateOfItself),
)
async def mark_duplicate(case_id: Id, body: Duplicate, call: ByHandler) -> JSONResponse:
    """Join a case to another; its reporter counts as "me too" there."""
    return await call.handle(
        case_id,
        Action.MARK_DUPLICATE,
        lambda desk: handling.mark_duplicate(desk, body.of_case_id),
        also=body.of_case_id,
    )


@router.post(
    "/{case_id}/pass-on",
    response_model=CaseMoved,
    responses=problem_responses(*routing, BouncedTooOften),
)
async def pass_case_on(case_id: Id, body: Route, call: ByHandler) -> JSONResponse:
    """Give a case to the grid it belongs to; it cannot be passed around for ever."""
    return await call.handle(case_id, Action.PASS_ON, lambda desk: handling.pass_on(desk, body))


@router.post("/{case_id}/route", response_model=CaseMoved, responses=problem_responses(*routing))
async def route_case(case_id: Id, body: Route, call: ByRouter) -> JSONResponse:
    """Decide for good whose case it is."""
    return await call.handle(case_id, Action.ROUTE, lambda desk: handling.route(desk, body))
