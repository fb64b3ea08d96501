"""/v1/staff/postings: points moved by hand, by two people; /v1/me/deductions: being heard."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from app.community.errors import ResidentNotFound
from app.contributions.by_hand import hearing, own, service
from app.contributions.by_hand.errors import (
    ActInTheFuture,
    AlreadyAnswered,
    DeductionNotFound,
    NotADeduction,
    NotHeardYet,
    NothingLeftToReverse,
    NotTheProposer,
    OwnPosting,
    PostingDecided,
    PostingNotFound,
    RepairTooLarge,
)
from app.contributions.by_hand.schemas import (
    DeductionAnswer,
    DeductionRead,
    PostingCreate,
    PostingRead,
    PostingRefusal,
)
from app.contributions.errors import ResidentHasPhone, RuleChanged
from app.contributions.evidence.errors import EvidencePhotoNotFound
from app.contributions.models import PostingState
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
from app.ledger.errors import CheckerIsMaker, MoreThanOriginal, NotReversible, TransferUnknown
from app.media.addresses import PhotoLinks
from app.rules.errors import (
    EffortMissing,
    NotForYou,
    RuleNotFound,
    RuleOfOtherDirection,
    TooManyUnits,
)

router = APIRouter(tags=["contributions"])
Poster = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_POST))]
Checker = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_CHECK))]
Enterer = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_ENTER))]
ByResident = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_READ_OWN))]
Chosen = Annotated[PostingState | None, Query(description="In which state; all, if left out")]


async def get_links(request: Request) -> PhotoLinks:
    links: PhotoLinks = request.app.state.photo_links
    return links


Links = Annotated[PhotoLinks, Depends(get_links)]
impossible = (
    ResidentNotFound, RuleNotFound, RuleOfOtherDirection, TooManyUnits, OwnPosting,
    MoreThanOriginal, NothingLeftToReverse, EffortMissing, NotForYou,
)  # fmt: skip
once_refusals = (IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight)


@router.post(
    "/v1/staff/postings",
    status_code=201,
    response_model=PostingRead,
    responses=problem_responses(
        *impossible, ActInTheFuture, TransferUnknown, NotReversible, NotADeduction,
        RepairTooLarge, EvidencePhotoNotFound, *once_refusals,
    ),
)  # fmt: skip
async def propose_posting(
    body: PostingCreate,
    actor: Poster,
    session: Session,
    links: Links,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Propose an award, a deduction, a repair or a reversal; nothing moves before it is checked.

    Whom a deduction concerns is told at once and can answer it.
    """
    return await once.run(
        session, actor, now,
        lambda: service.propose_posting(session, links, actor, body, now=now),
    )  # fmt: skip


@router.get("/v1/staff/postings")
async def list_postings(
    actor: Checker,
    session: Session,
    links: Links,
    now: Now,
    state: Chosen = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[PostingRead]:
    """Return what was proposed by hand and what became of it, newest first."""
    return await service.list_postings(
        session, links, actor, state=state, cursor=cursor, size=size, now=now
    )


@router.get("/v1/staff/postings/{posting_id}", responses=problem_responses(PostingNotFound))
async def get_posting(
    posting_id: Id, actor: Checker, session: Session, links: Links, now: Now
) -> PostingRead:
    """Return a posting by hand."""
    return await service.get_posting(session, links, actor, posting_id, now=now)


@router.post(
    "/v1/staff/postings/{posting_id}/approval",
    responses=problem_responses(
        *impossible, PostingNotFound, PostingDecided, CheckerIsMaker, NotHeardYet, RuleChanged
    ),
)
async def approve_posting(
    posting_id: Id, actor: Checker, session: Session, links: Links, now: Now
) -> PostingRead:
    """Post what somebody else has proposed; pressed again, the answer is the same."""
    return await service.approve_posting(session, links, actor, posting_id, now=now)


@router.post(
    "/v1/staff/postings/{posting_id}/refusal",
    responses=problem_responses(PostingNotFound, PostingDecided, CheckerIsMaker, OwnPosting),
)
async def refuse_posting(
    posting_id: Id,
    body: PostingRefusal,
    actor: Checker,
    session: Session,
    links: Links,
    now: Now,
) -> PostingRead:
    """Turn down what somebody else has proposed, with a reason; it can be proposed anew."""
    return await service.refuse_posting(
        session, links, actor, posting_id, reason=body.reason, now=now
    )


@router.post(
    "/v1/staff/postings/{posting_id}/withdrawal",
    responses=problem_responses(PostingNotFound, PostingDecided, NotTheProposer),
)
async def withdraw_posting(
    posting_id: Id, actor: Poster, session: Session, links: Links, now: Now
) -> PostingRead:
    """Take my own proposal back before somebody decides it."""
    return await service.withdraw_posting(session, links, actor, posting_id, now=now)


@router.post(
    "/v1/staff/postings/{posting_id}/answer",
    response_model=DeductionRead,
    responses=problem_responses(
        PostingNotFound, PostingDecided, AlreadyAnswered, ResidentHasPhone, CheckerIsMaker,
        *once_refusals,
    ),
)  # fmt: skip
async def answer_for_resident(
    posting_id: Id,
    body: DeductionAnswer,
    actor: Enterer,
    session: Session,
    links: Links,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Write down what a resident without a phone says to a deduction."""

    async def work() -> DeductionRead:
        await hearing.answer_for(session, actor, posting_id, body.text, now=now)
        return await own.get_deduction(session, links, actor.community, posting_id, now=now)

    return await once.run(session, actor, now, work, status=200)


# Residents.


@router.get("/v1/me/deductions")
async def list_my_deductions(
    actor: ByResident,
    session: Session,
    links: Links,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[DeductionRead]:
    """Return deductions that concern me, proposed and decided, newest first."""
    return await own.list_deductions(session, links, actor, cursor=cursor, size=size, now=now)


@router.get("/v1/me/deductions/{posting_id}", responses=problem_responses(DeductionNotFound))
async def get_my_deduction(
    posting_id: Id, actor: ByResident, session: Session, links: Links, now: Now
) -> DeductionRead:
    """Return a deduction that concerns me, with the evidence."""
    return await own.get_own(session, links, actor, posting_id, now=now)


@router.post(
    "/v1/me/deductions/{posting_id}/answer",
    response_model=DeductionRead,
    responses=problem_responses(DeductionNotFound, PostingDecided, AlreadyAnswered, *once_refusals),
)
async def answer_my_deduction(
    posting_id: Id,
    body: DeductionAnswer,
    actor: ByResident,
    session: Session,
    links: Links,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Say what speaks against it, once, before it is decided; whoever decides reads it."""

    async def work() -> DeductionRead:
        await hearing.answer_own(session, actor, posting_id, body.text, now=now)
        return await own.get_own(session, links, actor, posting_id, now=now)

    return await once.run(session, actor, now, work, status=200)
