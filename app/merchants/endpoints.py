"""/v1/merchant: voucher verification."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.core import code_errors
from app.core.access import Actor, Permission, Require
from app.core.dependencies import Keys
from app.core.idempotency import RequestInFlight
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session, only_reads
from app.merchants import service
from app.merchants.errors import (
    NotYourShop,
    RequestNumberReused,
    RequestUnknown,
    VerificationCancelled,
    VerificationNotFound,
    VoidWindowClosed,
    VoucherOfOtherShop,
)
from app.merchants.schemas import (
    Prepared,
    ShopList,
    VerificationCancel,
    VerificationLine,
    VerificationRead,
    VoucherConsume,
    VoucherPrepare,
)
from app.rewards.errors import VoucherCancelled, VoucherExpired, VoucherNotFound, VoucherUsed

router = APIRouter(prefix="/v1/merchant", tags=["merchants"])
Clerk = Annotated[Actor, Depends(Require(Permission.MERCHANTS_VERIFY))]
code_refusals = (
    NotYourShop, VoucherNotFound, code_errors.CodeUnreadable, code_errors.CodeForged,
    code_errors.CodeExpired, code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind,
)  # fmt: skip


@router.get("/shops")
async def list_shops(actor: Clerk, session: Session) -> ShopList:
    """Return the shops I am a clerk of."""
    return ShopList(items=await service.list_shops(session, actor))


@router.post("/vouchers/prepare", responses=problem_responses(*code_refusals))
@only_reads
async def prepare_voucher(
    body: VoucherPrepare, actor: Clerk, session: Session, keys: Keys, now: Now
) -> Prepared:
    """Look at a voucher before confirming it; changes nothing."""
    return await service.prepare_voucher(session, actor, body, keys=keys, now=now)


@router.post(
    "/vouchers/consume",
    responses=problem_responses(
        *code_refusals, VoucherOfOtherShop, VoucherUsed, VoucherCancelled, VoucherExpired,
        RequestNumberReused, RequestInFlight,
    ),
)  # fmt: skip
async def consume_voucher(
    body: VoucherConsume, actor: Clerk, session: Session, keys: Keys, now: Now
) -> VerificationRead:
    """Confirm a voucher: the points held for it go to the shop."""
    return await service.consume_voucher(session, actor, body, keys=keys, now=now)


@router.post(
    "/vouchers/cancel",
    responses=problem_responses(
        NotYourShop, VerificationNotFound, VerificationCancelled, VoidWindowClosed,
        RequestNumberReused, RequestInFlight,
    ),
)  # fmt: skip
async def cancel_verification(
    body: VerificationCancel, actor: Clerk, session: Session, now: Now
) -> VerificationRead:
    """Take a confirmation back within the shop's window; the voucher can be used again."""
    return await service.cancel_verification(session, actor, body, now=now)


@router.get("/requests/{out_request_no}", responses=problem_responses(NotYourShop, RequestUnknown))
async def get_request(
    out_request_no: Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{6,40}$")],
    shop_id: Id,
    actor: Clerk,
    session: Session,
) -> VerificationRead:
    """Return what a request did whose answer was lost."""
    return await service.get_request(session, actor, shop_id, out_request_no)


@router.get("/verifications", responses=problem_responses(NotYourShop))
async def list_verifications(
    shop_id: Id,
    actor: Clerk,
    session: Session,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[VerificationLine]:
    """Return a shop's confirmations and withdrawals, newest first."""
    return await service.list_verifications(session, actor, shop_id, cursor=cursor, size=size)
