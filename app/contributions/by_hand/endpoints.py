"""/v1/staff/postings: points moved by hand, by two people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from app.community.errors import ResidentNotFound
from app.contributions.by_hand import service
from app.contributions.by_hand.errors import (
    ActInTheFuture,
    NotADeduction,
    NothingLeftToReverse,
    NotTheProposer,
    OwnPosting,
    PostingDecided,
    PostingNotFound,
)
from app.contributions.by_hand.schemas import PostingCreate, PostingRead, PostingRefusal
from app.contributions.errors import RuleChanged
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
from app.rules.errors import RuleNotFound, RuleOfOtherDirection, TooManyUnits

router = APIRouter(prefix="/v1/staff/postings", tags=["contributions"])
Poster = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_POST))]
Checker = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_CHECK))]
Chosen = Annotated[PostingState | None, Query(description="In which state; all, if left out")]

impossible = (
    ResidentNotFound, RuleNotFound, RuleOfOtherDirection, TooManyUnits, OwnPosting,
    MoreThanOriginal, NothingLeftToReverse,
)  # fmt: skip


@router.post(
    "",
    status_code=201,
    response_model=PostingRead,
    responses=problem_responses(
        *impossible, ActInTheFuture, TransferUnknown, NotReversible, NotADeduction,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def propose_posting(
    body: PostingCreate, actor: Poster, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Propose an award, a deduction, a repair or a reversal; nothing moves before it is checked."""
    return await once.run(
        session, actor, now, lambda: service.propose_posting(session, actor, body, now=now)
    )


@router.get("")
async def list_postings(
    actor: Checker,
    session: Session,
    state: Chosen = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[PostingRead]:
    """Return what was proposed by hand and what became of it, newest first."""
    return await service.list_postings(session, actor, state=state, cursor=cursor, size=size)


@router.get("/{posting_id}", responses=problem_responses(PostingNotFound))
async def get_posting(posting_id: Id, actor: Checker, session: Session) -> PostingRead:
    """Return a posting by hand."""
    return await service.get_posting(session, actor, posting_id)


@router.post(
    "/{posting_id}/approval",
    responses=problem_responses(
        *impossible, PostingNotFound, PostingDecided, CheckerIsMaker, RuleChanged
    ),
)
async def approve_posting(
    posting_id: Id, actor: Checker, session: Session, now: Now
) -> PostingRead:
    """Post what somebody else has proposed; pressed again, the answer is the same."""
    return await service.approve_posting(session, actor, posting_id, now=now)


@router.post(
    "/{posting_id}/refusal",
    responses=problem_responses(PostingNotFound, PostingDecided, CheckerIsMaker, OwnPosting),
)
async def refuse_posting(
    posting_id: Id, body: PostingRefusal, actor: Checker, session: Session, now: Now
) -> PostingRead:
    """Turn down what somebody else has proposed, with a reason; it can be proposed anew."""
    return await service.refuse_posting(session, actor, posting_id, reason=body.reason, now=now)


@router.post(
    "/{posting_id}/withdrawal",
    responses=problem_responses(PostingNotFound, PostingDecided, NotTheProposer),
)
async def withdraw_posting(
    posting_id: Id, actor: Poster, session: Session, now: Now
) -> PostingRead:
    """Take my own proposal back before somebody decides it."""
    return await service.withdraw_posting(session, actor, posting_id, now=now)
