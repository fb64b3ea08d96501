"""A resident's points bank."""

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
from app.ledger.errors import InsufficientPoints
from app.ledger.savings import service
from app.ledger.savings.errors import SavingsOff
from app.ledger.savings.schemas import SavingsMove, SavingsMoved, SavingsRead

router = APIRouter(prefix="/v1/me/savings", tags=["ledger"])
Owner = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_OWN))]
Saver = Annotated[Actor, Depends(Require(Permission.LEDGER_MOVE_OWN))]
refusals = problem_responses(
    SavingsOff, InsufficientPoints, IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip


@router.get("")
async def get_savings(actor: Owner, session: Session, now: Now) -> SavingsRead:
    """Return what I have saved in the points bank, and by which terms."""
    return await service.get_savings(session, actor, now=now)


@router.post("/deposits", status_code=201, response_model=SavingsMoved, responses=refusals)
async def deposit_points(
    body: SavingsMove, actor: Saver, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Put points of mine aside; they cannot be spent until they are withdrawn."""
    return await once.run(
        session, actor, now, lambda: service.deposit(session, actor, body, now=now)
    )


@router.post("/withdrawals", status_code=201, response_model=SavingsMoved, responses=refusals)
async def withdraw_points(
    body: SavingsMove, actor: Saver, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Take points out of the bank, to be spent."""
    return await once.run(
        session, actor, now, lambda: service.withdraw(session, actor, body, now=now)
    )
