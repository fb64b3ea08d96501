"""Claims: making them, entering them for others, reviewing them, reading public lists."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.community.errors import ResidentNotFound
from app.contributions.by_hand.errors import ActInTheFuture
from app.contributions.claims import claiming, desk, reading, reviewing
from app.contributions.claims.claiming import Claimant
from app.contributions.claims.errors import (
    ActEndsTooEarly,
    ActTooLong,
    ActTooLongAgo,
    AlreadyReviewed,
    ClaimantUnnamed,
    ClaimDecided,
    ClaimNotFound,
    EnteredByYou,
    HouseholdHasReviewed,
    MoreHoursThanTimes,
    NotClaimable,
    OwnClaim,
    OwnEntry,
    ProofNoteMissing,
    ProofPhotoMissing,
    ProofTimesMissing,
    SameHousehold,
)
from app.contributions.claims.models import ClaimState
from app.contributions.claims.public_lists import service as public_lists
from app.contributions.claims.public_lists.schemas import AwardLine
from app.contributions.claims.reading import Viewer
from app.contributions.claims.schemas import (
    ClaimCreate,
    ClaimCreateForResident,
    ClaimFiled,
    ClaimRead,
    ClaimReviewed,
    ClaimSummary,
    ReviewCreate,
    StaffClaimRead,
    StaffClaimSummary,
)
from app.contributions.errors import RuleChanged
from app.contributions.evidence.errors import EvidencePhotoNotFound
from app.core import code_errors
from app.core.access import Actor, Permission, Require, public
from app.core.dependencies import Keys
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
from app.identity.consents.errors import ConsentRequired
from app.notices.errors import NoticeNotFound
from app.rules.errors import EffortMissing, NotForYou, OtherMode, RuleNotFound, TooManyUnits

router = APIRouter(tags=["claims"])
ByResident = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_CLAIM))]
Enterer = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_ENTER))]
Reviewer = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_REVIEW))]
Reader = Annotated[Actor, Depends(Require(Permission.NOTICES_READ))]
Chosen = Annotated[ClaimState, Query(description="In which state")]

claiming_refusals = (
    RuleNotFound, NotClaimable, ActInTheFuture, ActTooLongAgo, ActEndsTooEarly, ActTooLong,
    ProofPhotoMissing, ProofNoteMissing, ProofTimesMissing, MoreHoursThanTimes, TooManyUnits,
    EffortMissing, OtherMode, NotForYou, EvidencePhotoNotFound, ResidentNotFound, RuleChanged,
    IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip
entering_refusals = (
    *claiming_refusals, ClaimantUnnamed, OwnEntry, code_errors.CodeUnreadable,
    code_errors.CodeForged, code_errors.CodeExpired, code_errors.CodeRevoked,
    code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind,
)  # fmt: skip


# Residents.


@router.post(
    "/v1/me/claims",
    status_code=201,
    response_model=ClaimFiled,
    responses=problem_responses(*claiming_refusals, ConsentRequired),
)
async def make_claim(
    body: ClaimCreate, actor: ByResident, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Say what I did; where the rule asks for no review, the points are in the answer."""
    claimant = Claimant(actor.resident, is_in_person=True)
    return await once.run(
        session, actor, now,
        lambda: claiming.make_claim(session, actor, claimant, body, now=now),
    )  # fmt: skip


@router.get("/v1/me/claims")
async def list_my_claims(
    request: Request,
    actor: ByResident,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ClaimSummary]:
    """Return my claims, newest first."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await reading.list_own(session, viewer, actor.resident, cursor=cursor, size=size)


@router.get("/v1/me/claims/{claim_id}", responses=problem_responses(ClaimNotFound))
async def get_my_claim(
    claim_id: Id, request: Request, actor: ByResident, session: Session, now: Now
) -> ClaimRead:
    """Return a claim of mine with its photos."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await reading.get_own(session, viewer, actor.resident, claim_id)


@router.post(
    "/v1/me/claims/{claim_id}/withdrawal",
    responses=problem_responses(ClaimNotFound, ClaimDecided),
)
async def withdraw_claim(
    claim_id: Id, request: Request, actor: ByResident, session: Session, now: Now
) -> ClaimRead:
    """Take my claim back before it is decided; pressed again, the answer is the same."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await claiming.withdraw_claim(session, viewer, actor, claim_id)


# Staff.


@router.post(
    "/v1/staff/claims",
    status_code=201,
    response_model=ClaimFiled,
    responses=problem_responses(*entering_refusals),
)
async def enter_claim(
    body: ClaimCreateForResident,
    actor: Enterer,
    session: Session,
    once: OnceOnly,
    keys: Keys,
    now: Now,
) -> JSONResponse:
    """Enter a claim for a resident, named by number or by the code of phone or paper card."""

    async def work() -> ClaimFiled:
        resident_id = await claiming.named_resident(session, actor, body, keys=keys, now=now)
        claimant = Claimant(resident_id, is_in_person=False)
        return await claiming.make_claim(session, actor, claimant, body, now=now)

    return await once.run(session, actor, now, work)


@router.get("/v1/staff/claims")
async def list_claims(
    actor: Reviewer,
    session: Session,
    state: Chosen = ClaimState.IN_REVIEW,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StaffClaimSummary]:
    """Return claims of my grids but my own: those in review oldest first, others newest first."""
    return await desk.list_for_review(session, actor, state=state, cursor=cursor, size=size)


@router.get("/v1/staff/claims/{claim_id}", responses=problem_responses(ClaimNotFound))
async def get_claim(
    claim_id: Id, request: Request, actor: Reviewer, session: Session, now: Now
) -> StaffClaimRead:
    """Return somebody else's claim with photos, reviews so far and what is unusual about it."""
    viewer = Viewer(actor.community, request.app.state.photo_links, now)
    return await desk.get_for_review(session, viewer, actor, claim_id)


@router.post(
    "/v1/staff/claims/{claim_id}/reviews",
    responses=problem_responses(
        ClaimNotFound, OwnClaim, EnteredByYou, SameHousehold, HouseholdHasReviewed,
        AlreadyReviewed, ClaimDecided, ResidentNotFound, NotForYou, RuleChanged,
    ),
)  # fmt: skip
async def review_claim(
    claim_id: Id, body: ReviewCreate, actor: Reviewer, session: Session, now: Now
) -> ClaimReviewed:
    """Approve or refuse somebody else's claim; the same pressed again changes nothing."""
    return await reviewing.review_claim(session, actor, claim_id, body, now=now)


# Public lists.


@router.get("/v1/notices/{notice_id}/awards", responses=problem_responses(NoticeNotFound))
async def list_awards_on_notice(
    notice_id: Id,
    actor: Reader,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardLine]:
    """Return who is to get points on a public list; an objection names a line."""
    return await public_lists.read_list(
        session, actor.community, notice_id, cursor=cursor, size=size, now=now
    )


@router.get(
    "/v1/public/communities/{community_id}/notices/{notice_id}/awards",
    dependencies=[Depends(public)],
    responses=problem_responses(NoticeNotFound),
)
async def list_public_awards_on_notice(
    community_id: Id,
    notice_id: Id,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardLine]:
    """Return a public list of a community as anybody may see it."""
    return await public_lists.read_list(
        session, community_id, notice_id, cursor=cursor, size=size, now=now
    )
