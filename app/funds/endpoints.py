"""Funds, donating to them, and the committee's part of it."""

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
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session
from app.funds import service
from app.funds.errors import FundClosed, FundCodeTaken, FundNotFound
from app.funds.schemas import (
    DonationCreate,
    DonationRead,
    FundCreate,
    FundRead,
    FundSummary,
    FundUpdate,
)
from app.ledger.errors import InsufficientPoints

router = APIRouter(tags=["funds"])
Reader = Annotated[Actor, Depends(Require(Permission.FUNDS_READ))]
Donor = Annotated[Actor, Depends(Require(Permission.FUNDS_DONATE))]
Manager = Annotated[Actor, Depends(Require(Permission.FUNDS_MANAGE))]


@router.get("/v1/funds")
async def list_funds(
    actor: Reader, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[FundSummary]:
    """Return the community's funds and what they hold, in the order they were opened."""
    return await service.list_funds(session, actor, cursor=cursor, size=size)


@router.get("/v1/funds/{fund_id}", responses=problem_responses(FundNotFound))
async def get_fund(fund_id: Id, actor: Reader, session: Session) -> FundRead:
    """Return one fund, with what it was given in all and by how many."""
    return await service.describe_fund(session, actor, fund_id)


@router.post(
    "/v1/funds/{fund_id}/donations",
    status_code=201,
    response_model=DonationRead,
    responses=problem_responses(
        FundNotFound, FundClosed, InsufficientPoints,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def donate_points(
    fund_id: Id, body: DonationCreate, actor: Donor, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Give a fund points of mine; they cannot be taken back."""
    return await once.run(
        session, actor, now, lambda: service.donate(session, actor, fund_id, body, now=now)
    )


@router.post("/v1/staff/funds", status_code=201, responses=problem_responses(FundCodeTaken))
async def create_fund(body: FundCreate, actor: Manager, session: Session, now: Now) -> FundRead:
    """Open a fund."""
    return await service.create_fund(session, actor, body, now=now)


@router.put("/v1/staff/funds/{fund_id}", responses=problem_responses(FundNotFound))
async def put_fund(fund_id: Id, body: FundUpdate, actor: Manager, session: Session) -> FundRead:
    """Say anew what a fund is for; close it, or open it again."""
    return await service.put_fund(session, actor, fund_id, body)
