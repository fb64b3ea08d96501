"""Cases: reporting, looking, joining in, handling."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.cases import handling, reporting
from app.cases.desk import open_own
from app.cases.errors import (
    CaseMovedOn,
    CaseNotFound,
    CasePhotoNotFound,
    CategoryNotFound,
    ConfirmationClosed,
    NoGridHere,
    OwnCaseJoined,
    PhotoInUse,
    PlaceMissing,
)
from app.cases.reading import service as reading
from app.cases.reading.service import Viewer
from app.cases.reporting import Reporter
from app.cases.schemas import (
    CaseCreate,
    CaseFiled,
    CaseJoined,
    CaseMoved,
    CaseRead,
    CaseSummary,
    CategoryList,
    NearbyCases,
    Rating,
    Refusal,
    StaffCaseSummary,
)
from app.cases.workflow import Action
from app.community.errors import ResidentNotFound
from app.core.access import Actor, Permission, Require, public
from app.core.coordinates import CoordinateSystem
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.places import PlaceInput, position_of
from app.core.transactions import Now, Session
from app.identity.consents.errors import ConsentRequired

router = APIRouter(tags=["cases"])
Reader = Annotated[Actor, Depends(Require(Permission.CASES_READ))]
ByResident = Annotated[Actor, Depends(Require(Permission.CASES_REPORT))]

once_refusals = (IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight)
filing_refusals = problem_responses(
    CategoryNotFound, CasePhotoNotFound, PhotoInUse, PlaceMissing, NoGridHere, ResidentNotFound,
    ConsentRequired, *once_refusals,
)  # fmt: skip
own_refusals = problem_responses(CaseNotFound, CaseMovedOn, ConfirmationClosed, *once_refusals)


def viewer_in(community_id: int, request: Request, now: Now) -> Viewer:
    return Viewer(community_id, request.app.state.photo_links, now)


# Looking.


@router.get("/v1/case-categories")
async def list_case_categories(actor: Reader, session: Session) -> CategoryList:
    """Return what one can report here, as a tree."""
    return await reading.list_categories(session, actor.community)


@router.get("/v1/cases/nearby", responses=problem_responses(CategoryNotFound))
async def list_nearby_cases(
    request: Request,
    actor: Reader,
    session: Session,
    now: Now,
    category_code: Annotated[str, Query(max_length=41)],
    latitude: Annotated[float, Query(ge=-90, le=90)],
    longitude: Annotated[float, Query(ge=-180, le=180)],
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02,
) -> NearbyCases:
    """Return open cases near a place: show them before the resident reports another."""
    place = PlaceInput(latitude=latitude, longitude=longitude, coordinate_system=coordinate_system)
    viewer = viewer_in(actor.community, request, now)
    position = position_of(place)
    return await reading.list_nearby(session, viewer, category_code, position)


@router.get("/v1/cases")
async def list_cases(
    request: Request,
    actor: Reader,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[CaseSummary]:
    """Return the community's cases: checked texts and photos, places to about 100 m."""
    viewer = viewer_in(actor.community, request, now)
    return await reading.list_published(session, viewer, cursor=cursor, size=size)


@router.get("/v1/cases/{case_id}", responses=problem_responses(CaseNotFound))
async def get_case(
    case_id: Id, request: Request, actor: Reader, session: Session, now: Now
) -> CaseSummary:
    """Return a case as neighbours see it."""
    return await reading.get_published(session, viewer_in(actor.community, request, now), case_id)


@router.get(
    "/v1/public/communities/{community_id}/cases",
    dependencies=[Depends(public)],
)
async def list_public_cases(
    community_id: Id,
    request: Request,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[CaseSummary]:
    """Return a community's cases as anybody may see them."""
    viewer = viewer_in(community_id, request, now)
    return await reading.list_published(session, viewer, cursor=cursor, size=size)


@router.get("/v1/me/cases")
async def list_my_cases(
    request: Request,
    actor: ByResident,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StaffCaseSummary]:
    """Return what I have reported, newest first."""
    viewer = viewer_in(actor.community, request, now)
    return await reading.list_own(session, viewer, actor.resident, cursor=cursor, size=size)


@router.get("/v1/me/cases/{case_id}", responses=problem_responses(CaseNotFound))
async def get_my_case(
    case_id: Id, request: Request, actor: ByResident, session: Session, now: Now
) -> CaseRead:
    """Return a case of mine in full, with its history and what I may do."""
    viewer = viewer_in(actor.community, request, now)
    return await reading.get_own(session, viewer, actor.resident, case_id)


# Residents.


@router.post("/v1/cases", status_code=201, response_model=CaseFiled, responses=filing_refusals)
async def report_case(
    body: CaseCreate, actor: ByResident, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Report a hazard with photos sent before; points that arrive at once are in the answer."""
    reporter = Reporter(actor.resident, is_in_person=True)
    return await once.run(
        session, actor, now,
        lambda: reporting.report_case(session, actor, reporter, body, now=now),
    )  # fmt: skip


@router.post(
    "/v1/cases/{case_id}/join",
    responses=problem_responses(CaseNotFound, CaseMovedOn, OwnCaseJoined),
)
async def join_case(case_id: Id, actor: ByResident, session: Session, now: Now) -> CaseJoined:
    """Say "me too"; asked again, it changes nothing."""
    return await reporting.join_case(session, actor, case_id, now=now)


@router.post("/v1/me/cases/{case_id}/withdraw", response_model=CaseMoved, responses=own_refusals)
async def withdraw_case(
    case_id: Id, actor: ByResident, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Take a case back that waits to be accepted; the points it gave go with it."""

    async def work() -> CaseMoved:
        desk = await open_own(session, actor, case_id, Action.WITHDRAW, now=now)
        return await handling.withdraw(desk)

    return await once.run(session, actor, now, work, status=200)


@router.post("/v1/me/cases/{case_id}/confirm", response_model=CaseMoved, responses=own_refusals)
async def confirm_case(
    case_id: Id, body: Rating, actor: ByResident, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Say that it is fixed, and how well."""

    async def work() -> CaseMoved:
        desk = await open_own(session, actor, case_id, Action.CONFIRM, now=now)
        return await handling.confirm(desk, body)

    return await once.run(session, actor, now, work, status=200)


@router.post("/v1/me/cases/{case_id}/not-fixed", response_model=CaseMoved, responses=own_refusals)
async def object_to_case(
    case_id: Id, body: Refusal, actor: ByResident, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Say that it is not fixed, and what is left; it is opened again."""

    async def work() -> CaseMoved:
        desk = await open_own(session, actor, case_id, Action.NOT_FIXED, now=now)
        return await handling.not_fixed(desk, body.reason)

    return await once.run(session, actor, now, work, status=200)
