"""Residents give points to each other."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from app.community.cards.errors import CardHolderLeft
from app.community.errors import ResidentNotFound
from app.core import code_errors
from app.core.access import Actor, Permission, Require
from app.core.dependencies import Keys
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.ledger.errors import InsufficientPoints
from app.ledger.gifts import service
from app.ledger.gifts.errors import GiftLimitReached, GiftsOff, GiftToOneself
from app.ledger.gifts.schemas import GiftCreate, GiftRead

router = APIRouter(prefix="/v1/me/gifts", tags=["ledger"])
Giver = Annotated[Actor, Depends(Require(Permission.LEDGER_MOVE_OWN))]
refusals = problem_responses(
    code_errors.CodeUnreadable, code_errors.CodeForged, code_errors.CodeExpired,
    code_errors.CodeRevoked, code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind,
    CardHolderLeft, ResidentNotFound, GiftsOff, GiftToOneself, GiftLimitReached,
    InsufficientPoints, IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
)  # fmt: skip


@router.post("", status_code=201, response_model=GiftRead, responses=refusals)
async def give_points(
    body: GiftCreate, actor: Giver, session: Session, once: OnceOnly, keys: Keys, now: Now
) -> JSONResponse:
    """Give points to the neighbour whose code I scanned; they cannot be taken back."""
    return await once.run(
        session, actor, now, lambda: service.give(session, actor, body, keys=keys, now=now)
    )
