"""/v1/staff/rule-book: the rule book as a file, out and in."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from app.core.access import Actor, Permission, Require
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.rules.book import service
from app.rules.book.errors import NothingToPropose, RuleBookFaulty, RuleChangeComing
from app.rules.book.schemas import (
    RuleBookCheck,
    RuleBookExport,
    RuleBookProposal,
    RuleBookText,
)
from app.rules.changes.errors import EffectiveTooEarly, NoticeTooShort, RuleChangePending
from app.rules.changes.schemas import RuleChangeRead
from app.rules.errors import RuleCodeTaken, RuleNotFound

router = APIRouter(prefix="/v1/staff/rule-book", tags=["rules"])
Proposer = Annotated[Actor, Depends(Require(Permission.RULES_PROPOSE))]


@router.get("")
async def export_rule_book(actor: Proposer, session: Session, now: Now) -> RuleBookExport:
    """Return the rule book in force as a file (TOML) to be edited and proposed anew."""
    return await service.export_book(session, actor.community, now=now)


@router.post("/check")
async def check_rule_book(
    body: RuleBookText, actor: Proposer, session: Session, now: Now
) -> RuleBookCheck:
    """Return the mistakes of a file with their lines or, without any, what it would change."""
    return await service.check_book(session, actor.community, body.toml, now=now)


@router.post(
    "/proposal",
    status_code=201,
    response_model=RuleChangeRead,
    responses=problem_responses(
        RuleBookFaulty, NothingToPropose, RuleChangeComing, RuleCodeTaken, RuleNotFound,
        RuleChangePending, EffectiveTooEarly, NoticeTooShort,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def propose_rule_book(
    body: RuleBookProposal, actor: Proposer, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Put to public notice whatever a file changes of rules and procedure, as one change.

    Categories that are new are made at once. Campaigns are set elsewhere.
    """
    return await once.run(
        session, actor, now, lambda: service.propose_book(session, actor, body, now=now)
    )
