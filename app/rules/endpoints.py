"""The public rule book."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.access import Actor, Permission, Require
from app.core.transactions import Now, Session
from app.rules import service
from app.rules.schemas import RuleBook

router = APIRouter(tags=["rules"])
Reader = Annotated[Actor, Depends(Require(Permission.RULES_READ))]


@router.get("/v1/rules")
async def get_rule_book(actor: Reader, session: Session, now: Now) -> RuleBook:
    """Return every rule in force, to be read whole."""
    return await service.get_rule_book(session, actor.community, now=now)
