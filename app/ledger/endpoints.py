"""A resident's own money."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.access import Actor, Permission, Require
from app.core.transactions import Now, Session
from app.ledger import service
from app.ledger.schemas import BalanceRead

router = APIRouter(prefix="/v1/me", tags=["ledger"])
Owner = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_OWN))]


@router.get("/balance")
async def get_balance(actor: Owner, session: Session, now: Now) -> BalanceRead:
    """Return my points: all, reserved, and free to spend."""
    return await service.get_balance(session, actor.community, actor.resident, now=now)
