"""Residents without a phone and their paper cards."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.cards import claims, registration, service, sheets
from app.community.cards.errors import (
    CardHolderLeft,
    CardInUse,
    CardNotFound,
    CardsMissing,
    NoCardsToPrint,
    TooManyCards,
)
from app.community.cards.schemas import (
    CardClaimRead,
    CardIssued,
    CardList,
    CardRead,
    CardSheetAsk,
    ClaimByCard,
    ResidentRegister,
    ResidentRegistered,
    WithdrawCard,
)
from app.community.errors import (
    AlreadyAResident,
    BuildingNotFound,
    JoinRequestPending,
    ResidentClaimed,
    ResidentNotFound,
)
from app.core import code_errors
from app.core.access import Actor, Permission, Require
from app.core.dependencies import CurrentSettings, Keys
from app.core.drawn import DrawingBusy, DrawnFile
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.personal import CurrentVault
from app.core.transactions import Now, Session

router = APIRouter(tags=["cards"])
Registrar = Annotated[Actor, Depends(Require(Permission.COMMUNITY_REGISTER))]
Joiner = Annotated[Actor, Depends(Require(Permission.COMMUNITY_JOIN))]

PDF_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
once_refusals = problem_responses(IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight)
scan_refusals = problem_responses(
    code_errors.CodeUnreadable, code_errors.CodeForged, code_errors.CodeExpired,
    code_errors.CodeRevoked, code_errors.CodeOfOtherKind, CardHolderLeft,
    ResidentClaimed, AlreadyAResident, JoinRequestPending,
)  # fmt: skip


@router.post(
    "/v1/staff/residents",
    status_code=201,
    response_model=ResidentRegistered,
    responses=once_refusals | problem_responses(BuildingNotFound),
)
async def register_resident(
    body: ResidentRegister,
    request: Request,
    actor: Registrar,
    session: Session,
    once: OnceOnly,
    vault: CurrentVault,
    now: Now,
) -> JSONResponse:
    """Register a resident who has no phone, with an empty wallet."""

    async def open_wallet(session: AsyncSession, community_id: int, resident_id: int) -> None:
        # The ledger stands above this room; main passes it in.
        await request.app.state.open_wallets(session, community_id, [resident_id], now=now)

    async def register() -> ResidentRegistered:
        return await registration.register_resident(
            session, actor, body, vault=vault, open_wallet=open_wallet, now=now
        )

    return await once.run(session, actor, now, register)


@router.get("/v1/staff/residents/{resident_id}/cards")
async def list_cards(resident_id: Id, actor: Registrar, session: Session) -> CardList:
    """Return a resident's cards, newest first; none for residents outside my grids."""
    return await service.list_cards(session, actor, resident_id)


@router.post(
    "/v1/staff/residents/{resident_id}/card",
    status_code=201,
    response_model=CardIssued,
    responses=once_refusals | problem_responses(ResidentNotFound, CardInUse),
)
async def issue_card(
    resident_id: Id,
    actor: Registrar,
    session: Session,
    once: OnceOnly,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
) -> JSONResponse:
    """Issue a paper card, which holds for five years."""

    async def issue() -> CardIssued:
        card, resident = await service.issue_card(session, actor, resident_id, now=now)
        return service.describe_issued(
            card, resident, keys, base_url=settings.public_base_url, now=now
        )

    return await once.run(session, actor, now, issue)


@router.post(
    "/v1/staff/residents/{resident_id}/card/reissue",
    status_code=201,
    response_model=CardIssued,
    responses=once_refusals | problem_responses(ResidentNotFound, CardInUse),
)
async def reissue_card(
    resident_id: Id,
    body: WithdrawCard,
    actor: Registrar,
    session: Session,
    once: OnceOnly,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
) -> JSONResponse:
    """Withdraw the card in use, if there is one, and issue another in its place."""

    async def reissue() -> CardIssued:
        card, resident = await service.reissue_card(
            session, actor, resident_id, reason=body.reason, now=now
        )
        return service.describe_issued(
            card, resident, keys, base_url=settings.public_base_url, now=now
        )

    return await once.run(session, actor, now, reissue)


@router.post("/v1/staff/cards/{card_id}/revoke", responses=problem_responses(CardNotFound))
async def revoke_card(
    card_id: Id, body: WithdrawCard, actor: Registrar, session: Session, now: Now
) -> CardRead:
    """Withdraw a card for good; one withdrawn before stays as it is."""
    return await service.revoke_card(session, actor, card_id, reason=body.reason, now=now)


@router.post(
    "/v1/staff/card-sheets",
    response_class=Response,
    responses=PDF_RESPONSES
    | problem_responses(CardsMissing, NoCardsToPrint, TooManyCards, DrawingBusy),
)
async def print_cards(
    body: CardSheetAsk,
    actor: Registrar,
    session: Session,
    vault: CurrentVault,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
) -> Response:
    """Return cards in use as a PDF to print, ten to a page; the residents can see that I did."""
    draw = await sheets.prepare_sheet(
        session, actor, body,
        vault=vault, keys=keys, base_url=settings.public_base_url, now=now,
    )  # fmt: skip
    return DrawnFile(draw, media_type="application/pdf")


@router.post("/v1/join-requests/by-card", status_code=201, responses=scan_refusals)
async def ask_by_card(
    body: ClaimByCard, actor: Joiner, session: Session, keys: Keys, vault: CurrentVault, now: Now
) -> CardClaimRead:
    """Ask to be the resident of the paper card I scanned; a worker decides."""
    return await claims.ask_by_card(session, actor, body.code, keys=keys, vault=vault, now=now)
