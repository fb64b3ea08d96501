"""Preview, confirm, take back, and what became of a request."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.codes import Code, CodeKind
from app.core.database import Record
from app.core.idempotency import in_flight_refused
from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, page_of, read_cursor
from app.core.problems import Problem
from app.core.signing import KeyRing
from app.ledger.holds import service as holds
from app.merchants import policies, queries
from app.merchants.errors import (
    NotYourShop,
    RequestNumberReused,
    RequestUnknown,
    VerificationCancelled,
    VerificationNotFound,
    VoidWindowClosed,
    VoucherOfOtherShop,
)
from app.merchants.models import Operation, Shop, Verification
from app.merchants.schemas import (
    Prepared,
    ShopRead,
    VerificationCancel,
    VerificationLine,
    VerificationRead,
    VoucherConsume,
    VoucherPrepare,
    VoucherPreview,
)
from app.rewards import queries as rewards
from app.rewards import typed_codes
from app.rewards.errors import VoucherNotFound
from app.rewards.models import VoucherState
from app.rewards.service import refuse_unless_issued, state_at

VERIFY_WITHIN = timedelta(seconds=120)
VOUCHER_KINDS = (CodeKind.VOUCHER, CodeKind.VERIFICATION)


async def prepare_voucher(
    session: AsyncSession, actor: Actor, body: VoucherPrepare, *, keys: KeyRing, now: datetime
) -> Prepared:
    """Return what a voucher is good for here, without changing it."""
    _refuse_unless_clerk(actor, body.shop_id)
    voucher_id = await _find_voucher(session, actor, body.code, keys=keys, now=now)
    voucher = await queries.look_at_voucher(session, actor.community, body.shop_id, voucher_id)
    if voucher is None:
        raise NotYourShop
    if voucher.voucher_id is None:
        raise VoucherNotFound
    reason = _obstacle(voucher, body.shop_id, now)
    verify_token = None
    if reason is None:
        code = Code(CodeKind.VERIFICATION, actor.community, voucher_id, now + VERIFY_WITHIN)
        verify_token = keys.sign_code(code, now=now)
    return Prepared(
        voucher=_preview(voucher, state_at(voucher, now)),
        can_consume=reason is None,
        reason=reason,
        verify_token=verify_token,
        expires_in=int(VERIFY_WITHIN.total_seconds()) if verify_token else 0,
    )


async def consume_voucher(
    session: AsyncSession, actor: Actor, body: VoucherConsume, *, keys: KeyRing, now: datetime
) -> VerificationRead:
    """Confirm a voucher: its held points go to the shop."""

    async def consume(claim: Verification) -> VerificationRead:
        voucher_id = await _find_voucher(session, actor, body.code, keys=keys, now=now)
        voucher = await queries.lock_voucher(session, actor.community, voucher_id)
        if voucher is None:
            raise VoucherNotFound
        _refuse_other_shop(voucher, body.shop_id)
        refuse_unless_issued(voucher, now)
        hold = holds.HoldRef(voucher_id, voucher.resident_id)
        await holds.capture_hold(
            session, actor.community, hold,
            credit_account_id=body.shop_id, maker_id=actor.person_id, now=now,
        )  # fmt: skip
        answer = _answer(claim, voucher, VoucherState.USED)
        await queries.finish_request(
            session, claim,
            voucher_id=voucher_id, state=VoucherState.USED, answer=answer.model_dump_json(),
        )  # fmt: skip
        return answer

    claim = _claim(actor, body, body.shop_id, body.out_request_no, Operation.CONSUME, now)
    return await _once(session, claim, consume)


async def cancel_verification(
    session: AsyncSession, actor: Actor, body: VerificationCancel, *, now: datetime
) -> VerificationRead:
    """Take a confirmation back: a linked reversal, and the same lots are held again.

    That each confirmation is taken back once is the database's to say (a unique index): after a
    second confirmation the voucher looks the same as after the first.
    """

    async def cancel(claim: Verification) -> VerificationRead:
        voucher_id = await _get_cancellable(session, claim, body.verification_id, now)
        voucher = await queries.lock_voucher(session, actor.community, voucher_id)
        if voucher is None or voucher.state != VoucherState.USED:
            raise VerificationCancelled
        hold = holds.HoldRef(voucher_id, voucher.resident_id)
        await holds.undo_capture(session, actor.community, hold, maker_id=actor.person_id, now=now)
        is_over = voucher.valid_until <= now
        answer = _answer(claim, voucher, VoucherState.EXPIRED if is_over else VoucherState.ISSUED)
        await queries.finish_request(
            session, claim,
            voucher_id=voucher_id, state=VoucherState.ISSUED, answer=answer.model_dump_json(),
            cancels=body.verification_id, reason=body.reason,
        )  # fmt: skip
        return answer

    claim = _claim(actor, body, body.shop_id, body.out_request_no, Operation.CANCEL, now)
    return await _once(session, claim, cancel)


async def get_request(
    session: AsyncSession, actor: Actor, shop_id: int, out_request_no: str
) -> VerificationRead:
    """Return what a request of this shop did; raises RequestUnknown if nothing."""
    shop = await _get_shop(session, actor, shop_id)
    request = await queries.get_request(session, actor.community, shop.shop_id, out_request_no)
    if request is None or request.answer is None:
        raise RequestUnknown
    return VerificationRead.model_validate(request.answer)


async def list_verifications(
    session: AsyncSession, actor: Actor, shop_id: int, *, cursor: str | None, size: int
) -> Page[VerificationLine]:
    """Return a shop's record, newest first."""
    shop = await _get_shop(session, actor, shop_id)
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_verifications(
        session, actor.community, shop.shop_id, before=before, size=size + 1
    )
    return page_of(VerificationLine, rows, size, lambda row: (row.verification_id,))


async def list_shops(session: AsyncSession, actor: Actor) -> list[ShopRead]:
    """Return the shops the caller is a clerk of."""
    shop_ids = [grant.at.shop_id for grant in actor.grants if grant.at.shop_id is not None]
    rows = await queries.list_shops(session, actor.community, shop_ids)
    return [ShopRead.model_validate(row) for row in rows]


async def _once(
    session: AsyncSession,
    claim: Verification,
    work: Callable[[Verification], Awaitable[VerificationRead]],
) -> VerificationRead:
    async with in_flight_refused():
        is_ours = await queries.claim_request(session, claim)
    if is_ours:
        return await work(claim)
    stored = await queries.get_request(
        session, claim.community_id, claim.shop_id, claim.out_request_no
    )
    if stored is None:
        raise NotYourShop
    if stored.request_hash != claim.request_hash:
        raise RequestNumberReused
    return VerificationRead.model_validate(stored.answer)


def _claim(
    actor: Actor,
    body: BaseModel,
    shop_id: int,
    out_request_no: str,
    operation: Operation,
    now: datetime,
) -> Verification:
    """Return the claim of a clerk of the shop; raises NotYourShop."""
    _refuse_unless_clerk(actor, shop_id)
    content = f"{operation} {body.model_dump_json()}"
    return Verification(
        community_id=actor.community,
        shop_id=shop_id,
        out_request_no=out_request_no,
        verification_id=new_id(now),
        operation=operation,
        request_hash=hashlib.sha256(content.encode()).digest(),
        clerk_id=actor.person_id,
        created_at=now,
    )


def _refuse_unless_clerk(actor: Actor, shop_id: int) -> None:
    if not policies.may_verify_at(actor, shop_id):
        raise NotYourShop


async def _get_shop(session: AsyncSession, actor: Actor, shop_id: int) -> Shop:
    _refuse_unless_clerk(actor, shop_id)
    shop = await queries.get_shop(session, actor.community, shop_id)
    if shop is None:
        raise NotYourShop
    return shop


async def _find_voucher(
    session: AsyncSession, actor: Actor, scanned: str, *, keys: KeyRing, now: datetime
) -> int:
    """Return the number of the voucher that was scanned or typed."""
    typed = typed_codes.read(scanned)
    if typed is not None:
        voucher_id = await rewards.find_typed_code(session, actor.community, typed)
        if voucher_id is None:
            raise VoucherNotFound
        return voucher_id
    code = keys.codes.read_scanned(
        scanned, kinds=VOUCHER_KINDS, community_id=actor.community, now=now
    )
    return code.subject_id


async def _get_cancellable(
    session: AsyncSession, claim: Verification, verification_id: int, now: datetime
) -> int:
    """Return the voucher of a confirmation that may still be taken back."""
    consumption = await queries.get_consumption(
        session, claim.community_id, claim.shop_id, verification_id
    )
    if consumption is None or consumption.voucher_id is None:
        raise VerificationNotFound
    if now - consumption.created_at > timedelta(minutes=consumption.void_minutes):
        raise VoidWindowClosed(void_minutes=consumption.void_minutes)
    voucher_id: int = consumption.voucher_id
    return voucher_id


def _refuse_other_shop(voucher: Record, shop_id: int) -> None:
    if voucher.only_shop_id not in (None, shop_id):
        raise VoucherOfOtherShop


def _obstacle(voucher: Record, shop_id: int, now: datetime) -> str | None:
    """Return the code of what stands in the way of confirming, or None."""
    try:
        _refuse_other_shop(voucher, shop_id)
        refuse_unless_issued(voucher, now)
    except Problem as problem:
        return problem.code
    return None


def _preview(voucher: Record, state: VoucherState) -> VoucherPreview:
    return VoucherPreview(
        voucher_id=voucher.voucher_id,
        reward_name=voucher.reward_name,
        reward_kind=voucher.reward_kind,
        points=voucher.points,
        state=state,
        valid_until=voucher.valid_until,
        holder=voucher.holder,
    )


def _answer(claim: Verification, voucher: Record, state: VoucherState) -> VerificationRead:
    return VerificationRead(
        verification_id=claim.verification_id,
        out_request_no=claim.out_request_no,
        operation="consume" if claim.operation == Operation.CONSUME else "cancel",
        shop_id=claim.shop_id,
        voucher=_preview(voucher, state),
        at=claim.created_at,
    )
