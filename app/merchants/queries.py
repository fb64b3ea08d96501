"""SQL of shops and verifications."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.merchants.models import Operation, Shop, Verification
from app.rewards.models import Reward, Voucher, VoucherState

# A voucher that somebody shows at a shop, with its reward and its holder's masked name.
_PRESENTED = """
    SELECT vouchers.voucher_id, vouchers.resident_id, points, vouchers.state, valid_until, used_at,
        rewards.name AS reward_name, rewards.kind AS reward_kind, shop_id AS only_shop_id,
        masked_name AS holder
    FROM vouchers
        JOIN rewards USING (community_id, reward_id)
        JOIN residents USING (community_id, resident_id)
    WHERE vouchers.community_id = :community_id AND voucher_id = :voucher_id
"""
# Statements of the counter: parsed once, for all of them.
_LOOK_AT_VOUCHER = text(f"""
    SELECT presented.* FROM shops LEFT JOIN ({_PRESENTED}) AS presented ON true
    WHERE shops.community_id = :community_id AND shops.shop_id = :shop_id
""")  # noqa: S608 - a fragment of this file
_LOCK_VOUCHER = text(f"{_PRESENTED} FOR NO KEY UPDATE OF vouchers")
_CLAIM_REQUEST = text("""
    INSERT INTO verifications (community_id, shop_id, out_request_no, verification_id, operation,
        request_hash, clerk_id, created_at)
    SELECT community_id, shop_id, :out_request_no, :verification_id, :operation, :request_hash,
        :clerk_id, :created_at
    FROM shops WHERE community_id = :community_id AND shop_id = :shop_id
    ON CONFLICT DO NOTHING
    RETURNING verification_id
""")
_FINISH_REQUEST = text("""
    WITH voucher AS (
        UPDATE vouchers SET state = :state, used_at = :used_at, used_shop_id = :used_shop_id
        WHERE community_id = :community_id AND voucher_id = :voucher_id)
    UPDATE verifications SET voucher_id = :voucher_id, answer = CAST(:answer AS json),
        cancels_verification_id = :cancels, reason = :reason
    WHERE community_id = :community_id AND shop_id = :shop_id AND out_request_no = :out_request_no
""")


async def get_shop(session: AsyncSession, community_id: int, shop_id: int) -> Shop | None:
    return await session.get(Shop, (community_id, shop_id))


async def list_shops(
    session: AsyncSession, community_id: int, shop_ids: Sequence[int]
) -> Sequence[Shop]:
    statement = (
        select(Shop)
        .where(Shop.community_id == community_id, Shop.shop_id.in_(shop_ids))
        .order_by(Shop.shop_id)
    )
    return (await session.scalars(statement)).all()


async def look_at_voucher(
    session: AsyncSession, community_id: int, shop_id: int, voucher_id: int
) -> Record | None:
    """Return a voucher, empty if there is none; None if there is no such shop."""
    values = {"community_id": community_id, "shop_id": shop_id, "voucher_id": voucher_id}
    return (await session.execute(_LOOK_AT_VOUCHER, values)).one_or_none()


async def lock_voucher(session: AsyncSession, community_id: int, voucher_id: int) -> Record | None:
    """Return a voucher, locked until the transaction ends."""
    values = {"community_id": community_id, "voucher_id": voucher_id}
    return (await session.execute(_LOCK_VOUCHER, values)).one_or_none()


async def claim_request(session: AsyncSession, claim: Verification) -> bool:
    """Claim a request number of a shop; False if it was before, or without such a shop.

    A twin that is still running holds the row, so this waits for it (lock_timeout).
    """
    values = {
        "community_id": claim.community_id, "shop_id": claim.shop_id,
        "out_request_no": claim.out_request_no, "verification_id": claim.verification_id,
        "operation": claim.operation, "request_hash": claim.request_hash,
        "clerk_id": claim.clerk_id, "created_at": claim.created_at,
    }  # fmt: skip
    return await session.scalar(_CLAIM_REQUEST, values) is not None


async def get_request(
    session: AsyncSession, community_id: int, shop_id: int, out_request_no: str
) -> Verification | None:
    return await session.get(Verification, (community_id, shop_id, out_request_no))


async def finish_request(
    session: AsyncSession,
    claim: Verification,
    *,
    voucher_id: int,
    state: str,
    answer: str,
    cancels: int | None = None,
    reason: str | None = None,
) -> None:
    """Leave the voucher used at the shop or not used, and store the answer, as JSON."""
    is_used = state == VoucherState.USED
    values = {
        "community_id": claim.community_id, "shop_id": claim.shop_id,
        "out_request_no": claim.out_request_no, "voucher_id": voucher_id, "state": state,
        "used_at": claim.created_at if is_used else None,
        "used_shop_id": claim.shop_id if is_used else None,
        "answer": answer, "cancels": cancels, "reason": reason,
    }  # fmt: skip
    await session.execute(_FINISH_REQUEST, values)


async def get_consumption(
    session: AsyncSession, community_id: int, shop_id: int, verification_id: int
) -> Record | None:
    """Return a confirmation of this shop by its number: (voucher_id, created_at, void_minutes)."""
    statement = (
        select(Verification.voucher_id, Verification.created_at, Shop.void_minutes)
        .join(
            Shop,
            (Shop.community_id == Verification.community_id)
            & (Shop.shop_id == Verification.shop_id),
        )
        .where(
            Verification.community_id == community_id,
            Verification.shop_id == shop_id,
            Verification.verification_id == verification_id,
            Verification.operation == Operation.CONSUME,
        )
    )
    return (await session.execute(statement)).one_or_none()


async def list_verifications(
    session: AsyncSession, community_id: int, shop_id: int, *, before: int, size: int
) -> Sequence[Record]:
    """Return a shop's confirmations and withdrawals, newest first."""
    statement = (
        select(
            Verification.verification_id,
            Verification.out_request_no,
            Verification.operation,
            Reward.name.label("reward_name"),
            Voucher.points,
            Verification.created_at.label("at"),
        )
        .join(
            Voucher,
            (Voucher.community_id == Verification.community_id)
            & (Voucher.voucher_id == Verification.voucher_id),
        )
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .where(
            Verification.community_id == community_id,
            Verification.shop_id == shop_id,
            Verification.verification_id < before,
        )
        .order_by(Verification.verification_id.desc())
        .limit(size)
    )
    return (await session.execute(statement)).all()
