"""The committee posts points by hand."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from app.community.errors import ResidentNotFound
from app.contributions import committee
from app.contributions.errors import ActInTheFuture, OwnPosting
from app.contributions.schemas import ContributionRead, PostingCreate
from app.core.access import Actor, Permission, Require
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.rules.errors import RuleNotFound, RuleOfOtherDirection, TooManyUnits

router = APIRouter(prefix="/v1/staff", tags=["contributions"])
Poster = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_POST))]
refusals = problem_responses(
    ResidentNotFound, RuleNotFound, RuleOfOtherDirection, TooManyUnits, ActInTheFuture,
    OwnPosting, IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip


@router.post("/awards", status_code=201, response_model=ContributionRead, responses=refusals)
async def post_award(
    body: PostingCreate, actor: Poster, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Give a resident points under a rule, with a reason."""
    return await once.run(
        session, actor, now, lambda: committee.post_award(session, actor, body, now=now)
    )


@router.post("/deductions", status_code=201, response_model=ContributionRead, responses=refusals)
async def post_deduction(
    body: PostingCreate, actor: Poster, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Take points from a resident under a rule, with a reason."""
    return await once.run(
        session, actor, now, lambda: committee.post_deduction(session, actor, body, now=now)
    )
