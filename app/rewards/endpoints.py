"""The catalogue, redeeming, and my vouchers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from app.core.access import Actor, Permission, Require
from app.core.callers import Caller, RequireRemembered
from app.core.dependencies import CurrentSettings, Keys
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.lean import lean
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.pictures import PICTURE_RESPONSES, Suffix, code_picture
from app.core.transactions import Now, Session
from app.ledger.errors import InsufficientPoints
from app.rewards import service
from app.rewards.errors import (
    LimitReached,
    OutOfStock,
    RewardNotFound,
    RewardNotOnSale,
    VoucherCancelled,
    VoucherExpired,
    VoucherNotFound,
    VoucherUsed,
)
from app.rewards.models import Reward
from app.rewards.redeeming import RedeemDesk
from app.rewards.schemas import RewardRead, VoucherRead

router = APIRouter(tags=["rewards"])
Reader = Annotated[Actor, Depends(Require(Permission.REWARDS_READ))]
Redeemer = Annotated[Actor, Depends(Require(Permission.REWARDS_REDEEM))]

# Who redeems is compared again when it is posted.
Buyer = Annotated[Caller, Depends(RequireRemembered(Permission.REWARDS_REDEEM))]


async def get_desk(request: Request) -> RedeemDesk:
    desk: RedeemDesk = request.app.state.redemptions
    return desk


Desk = Annotated[RedeemDesk, Depends(get_desk)]


@router.get("/v1/rewards")
async def list_rewards(
    actor: Reader, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[RewardRead]:
    """Return the catalogue, cheapest first."""
    return await service.list_rewards(session, actor, cursor=cursor, size=size)


@router.get(
    "/v1/rewards/{reward_id}",
    response_model=RewardRead,
    responses=problem_responses(RewardNotFound),
)
async def get_reward(reward_id: Id, actor: Reader, session: Session) -> Reward:
    """Return one reward."""
    return await service.get_reward(session, actor, reward_id)


@router.post(
    "/v1/rewards/{reward_id}/redeem",
    status_code=201,
    response_model=VoucherRead,
    responses=problem_responses(
        RewardNotFound, RewardNotOnSale, OutOfStock, LimitReached, InsufficientPoints,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
@lean
async def redeem_reward(
    caller: Buyer, reward_id: Id, once: OnceOnly, desk: Desk, now: Now
) -> Response:
    """Exchange points for a voucher; the points are held until a shop confirms it."""
    return (await desk.redeem(caller, reward_id, once, now=now)).response()


@router.get("/v1/me/vouchers")
async def list_vouchers(
    actor: Redeemer,
    session: Session,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[VoucherRead]:
    """Return my vouchers, newest first."""
    return await service.list_vouchers(
        session, actor,
        cursor=cursor, size=size, keys=keys, base_url=settings.public_base_url, now=now,
    )  # fmt: skip


@router.get("/v1/me/vouchers/{voucher_id}", responses=problem_responses(VoucherNotFound))
async def get_voucher(
    voucher_id: Id,
    actor: Redeemer,
    session: Session,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
) -> VoucherRead:
    """Return one of my vouchers."""
    voucher, reward = await service.get_own_voucher(session, actor, voucher_id)
    return service.describe_voucher(
        voucher, reward.name, keys, base_url=settings.public_base_url, now=now
    )


@router.get(
    "/v1/me/vouchers/{voucher_id}/code.{suffix}",
    response_class=Response,
    responses=PICTURE_RESPONSES | problem_responses(VoucherNotFound),
)
async def draw_voucher_code(
    voucher_id: Id,
    suffix: Suffix,
    actor: Redeemer,
    session: Session,
    keys: Keys,
    now: Now,
) -> Response:
    """Return the voucher's QR code as a picture."""
    voucher, _ = await service.get_own_voucher(session, actor, voucher_id)
    return await code_picture(service.voucher_token(voucher, keys, now=now), suffix)


@router.post(
    "/v1/me/vouchers/{voucher_id}/cancel",
    response_model=VoucherRead,
    responses=problem_responses(
        VoucherNotFound, VoucherUsed, VoucherCancelled, VoucherExpired,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def cancel_voucher(
    voucher_id: Id,
    actor: Redeemer,
    session: Session,
    once: OnceOnly,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
) -> JSONResponse:
    """Give an unused voucher back; the points are free again, with their old expiry."""

    async def cancel() -> VoucherRead:
        voucher, reward = await service.cancel_voucher(session, actor, voucher_id, now=now)
        return service.describe_voucher(
            voucher, reward.name, keys, base_url=settings.public_base_url, now=now
        )

    return await once.run(session, actor, now, cancel, status=200)
