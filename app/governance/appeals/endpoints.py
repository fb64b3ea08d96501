"""Appeals: a resident's own, the desk of those who decide, and public numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.community.errors import CommunityNotFound, ResidentNotFound
from app.contributions.claims.errors import ClaimNotRefused
from app.contributions.errors import RuleChanged
from app.contributions.evidence.errors import EvidencePhotoNotFound
from app.contributions.explaining.service import Viewer
from app.core.access import Actor, Permission, Require, public
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.transactions import Now, Session
from app.governance.appeals import reading, service
from app.governance.appeals.errors import (
    AppealAlreadyFiled,
    AppealClosed,
    AppealNotFound,
    AppealSubjectNotFound,
    AppealTooLate,
    CorrectionMissing,
    CorrectionUnfit,
    FilesThemselves,
    LessThanBefore,
    OwnHouseholdAppeal,
    YouWereInvolved,
)
from app.governance.appeals.schemas import (
    AppealCreate,
    AppealDecision,
    AppealFiled,
    AppealRead,
    AppealStatistics,
    AppealSummary,
    AppealWindow,
    StaffAppealRead,
    StaffAppealSummary,
)
from app.governance.models import AppealKind, AppealState
from app.ledger.errors import MoreThanOriginal
from app.rules.errors import (
    EffortMissing,
    NotForYou,
    OtherMode,
    RuleNotFound,
    RuleOfOtherDirection,
    TooManyUnits,
)

router = APIRouter(tags=["appeals"])
Appellant = Annotated[Actor, Depends(Require(Permission.GOVERNANCE_APPEAL))]
Enterer = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_ENTER))]
Decider = Annotated[Actor, Depends(Require(Permission.GOVERNANCE_DECIDE_APPEALS))]
ChosenState = Annotated[AppealState, Query(description="In which state")]

filing_refusals = (
    AppealSubjectNotFound, AppealTooLate, AppealAlreadyFiled, EvidencePhotoNotFound,
    IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip


# Residents.


@router.post(
    "/v1/me/appeals",
    status_code=201,
    response_model=AppealFiled,
    responses=problem_responses(*filing_refusals),
)
async def file_appeal(
    body: AppealCreate, actor: Appellant, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Object to points I got, to a claim of mine that was refused, or to points taken."""
    return await once.run(
        session, actor, now, lambda: service.file_appeal(session, actor, body, now=now)
    )


@router.get("/v1/me/appeals")
async def list_my_appeals(
    actor: Appellant,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AppealSummary]:
    """Return my appeals, newest first."""
    return await reading.list_own(session, actor, cursor=cursor, size=size, now=now)


@router.get("/v1/me/appeals/window", responses=problem_responses(AppealSubjectNotFound))
async def get_appeal_window(
    actor: Appellant,
    session: Session,
    now: Now,
    kind: AppealKind,
    subject_id: Annotated[Id, Query(description="A contribution; for a refusal, the claim")],
) -> AppealWindow:
    """Tell until when I can appeal against something, and whether I have."""
    return await service.get_window(session, actor, kind, subject_id, now=now)


@router.get("/v1/me/appeals/{appeal_id}", responses=problem_responses(AppealNotFound))
async def get_my_appeal(
    appeal_id: Id,
    request: Request,
    actor: Appellant,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> AppealRead:
    """Return an appeal of mine, and once it is decided why and what was done."""
    viewer = Viewer(actor.community, vault, request.app.state.photo_links, now)
    return await reading.get_own(session, actor, viewer, appeal_id)


@router.post(
    "/v1/me/appeals/{appeal_id}/withdrawal",
    responses=problem_responses(AppealNotFound, AppealClosed),
)
async def withdraw_appeal(
    appeal_id: Id,
    request: Request,
    actor: Appellant,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> AppealRead:
    """Take my appeal back; within the time I can file it anew."""
    await service.withdraw_appeal(session, actor, appeal_id, now=now)
    viewer = Viewer(actor.community, vault, request.app.state.photo_links, now)
    return await reading.get_own(session, actor, viewer, appeal_id)


# Staff.


@router.post(
    "/v1/staff/appeals",
    status_code=201,
    response_model=AppealFiled,
    responses=problem_responses(*filing_refusals, FilesThemselves),
)
async def file_appeal_for_resident(
    body: AppealCreate, actor: Enterer, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """File an appeal for a resident without a phone; both are recorded."""
    return await once.run(
        session,
        actor,
        now,
        lambda: service.file_appeal_for_resident(session, actor, body, now=now),
    )


@router.get("/v1/staff/appeals")
async def list_appeals(
    actor: Decider,
    session: Session,
    now: Now,
    state: ChosenState = AppealState.OPEN,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StaffAppealSummary]:
    """Return the appeals in a state, those due first before the others."""
    return await reading.list_queue(session, actor, state=state, cursor=cursor, size=size, now=now)


@router.get("/v1/staff/appeals/{appeal_id}", responses=problem_responses(AppealNotFound))
async def get_appeal(
    appeal_id: Id,
    request: Request,
    actor: Decider,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> StaffAppealRead:
    """Return an appeal with its text, its photos, and what it is against explained."""
    viewer = Viewer(actor.community, vault, request.app.state.photo_links, now)
    return await reading.get_for_staff(session, actor, viewer, appeal_id)


@router.post(
    "/v1/staff/appeals/{appeal_id}/decision",
    responses=problem_responses(
        AppealNotFound, AppealClosed, AppealSubjectNotFound, YouWereInvolved, OwnHouseholdAppeal,
        CorrectionMissing, CorrectionUnfit, LessThanBefore, MoreThanOriginal, ResidentNotFound,
        ClaimNotRefused, RuleNotFound, RuleOfOtherDirection, TooManyUnits, EffortMissing,
        OtherMode, NotForYou, RuleChanged,
    ),
)  # fmt: skip
async def decide_appeal(
    appeal_id: Id,
    body: AppealDecision,
    request: Request,
    actor: Decider,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> StaffAppealRead:
    """Decide an appeal in writing and put right what is upheld; pressed again, it is done once."""
    await service.decide_appeal(session, actor, appeal_id, body, now=now)
    viewer = Viewer(actor.community, vault, request.app.state.photo_links, now)
    return await reading.get_for_staff(session, actor, viewer, appeal_id)


# Anybody.


@router.get(
    "/v1/public/communities/{community_id}/appeals/statistics",
    dependencies=[Depends(public)],
    responses=problem_responses(CommunityNotFound),
)
async def get_appeal_statistics(community_id: Id, session: Session, now: Now) -> AppealStatistics:
    """Return how a community's appeals ended, by kind and quarter; it identifies nobody."""
    return await reading.get_statistics(session, community_id, now=now)
