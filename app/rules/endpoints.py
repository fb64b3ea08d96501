"""The public rule book, the history of its rules, and how the community decides."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from app.core.access import Actor, Permission, Require
from app.core.openapi import problem_responses
from app.core.schemas import Moment
from app.core.transactions import Now, Session
from app.rules import service
from app.rules.errors import RuleNotFound
from app.rules.models import Procedure
from app.rules.schemas import ProcedureRead, RuleBook, RuleHistory

router = APIRouter(tags=["rules"])
Reader = Annotated[Actor, Depends(Require(Permission.RULES_READ))]
At = Annotated[Moment | None, Query(description="As of when; now, if left out")]
RuleCode = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


@router.get("/v1/rules")
async def get_rule_book(actor: Reader, session: Session, now: Now, at: At = None) -> RuleBook:
    """Return every rule in force, to be read whole."""
    return await service.get_rule_book(session, actor.community, now=at or now)


@router.get("/v1/rules/{code}/versions", responses=problem_responses(RuleNotFound))
async def list_rule_versions(code: RuleCode, actor: Reader, session: Session) -> RuleHistory:
    """Return all versions of a rule with their dates, and how each was decided."""
    return await service.get_history(session, actor.community, code)


@router.get("/v1/procedure", response_model=ProcedureRead)
async def get_procedure(actor: Reader, session: Session) -> Procedure:
    """Return how long notice, hearing, repair, appeal and its answer last here.

    These days change as rules do: by a change of rules, put to public notice.
    """
    return await service.get_procedure(session, actor.community)
