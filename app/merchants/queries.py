"""SQL of shops and verifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident
from app.core.database import Record
from app.merchants.models import Shop, Verification
from app.rewards.models import Reward, Voucher


@dataclass(frozen=True, slots=True)
class PresentedVoucher:
    """A voucher that somebody shows at a shop."""

    voucher: Voucher
    reward: Reward
    holder: str


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


async def get_presented_voucher(
    session: AsyncSession, community_id: int, voucher_id: int, *, lock: bool = False
) -> PresentedVoucher | None:
    """Return a voucher with its reward and its holder's masked name; locked if asked."""
    statement = (
        select(Voucher, Reward, Resident.masked_name)
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .join(
            Resident,
            (Resident.community_id == Voucher.community_id)
            & (Resident.resident_id == Voucher.resident_id),
        )
        .where(Voucher.community_id == community_id, Voucher.voucher_id == voucher_id)
    )
    if lock:
        statement = statement.with_for_update(of=Voucher, key_share=True)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else PresentedVoucher(row[0], row[1], row[2])


async def claim_request(session: AsyncSession, claim: Verification) -> Verification | None:
    """Claim a shop's request number; return what was stored for it before, if anything.

    A twin that is still running holds the row, so this waits for it (lock_timeout).
    """
    values = {
        "community_id": claim.community_id, "shop_id": claim.shop_id,
        "out_request_no": claim.out_request_no, "verification_id": claim.verification_id,
        "operation": claim.operation, "request_hash": claim.request_hash,
        "clerk_id": claim.clerk_id, "created_at": claim.created_at,
    }  # fmt: skip
    statement = insert(Verification).values(values).on_conflict_do_nothing()
    if await session.scalar(statement.returning(Verification.verification_id)) is not None:
        return None
    return await get_request(session, claim.community_id, claim.shop_id, claim.out_request_no)


async def get_request(
    session: AsyncSession, community_id: int, shop_id: int, out_request_no: str
) -> Verification | None:
    return await session.get(Verification, (community_id, shop_id, out_request_no))


async def store_answer(
    session: AsyncSession,
    claim: Verification,
    *,
    voucher_id: int,
    answer: dict[str, Any],
    cancels: int | None = None,
    reason: str | None = None,
) -> None:
    statement = (
        update(Verification)
        .where(
            Verification.community_id == claim.community_id,
            Verification.shop_id == claim.shop_id,
            Verification.out_request_no == claim.out_request_no,
        )
        .values(
            voucher_id=voucher_id,
            answer=bindparam("answer", answer, JSON),
            cancels_verification_id=cancels,
            reason=reason,
        )
    )
    await session.execute(statement)


async def get_consumption(
    session: AsyncSession, community_id: int, shop_id: int, verification_id: int
) -> Verification | None:
    """Return a confirmation of this shop by its number."""
    statement = select(Verification).where(
        Verification.community_id == community_id,
        Verification.shop_id == shop_id,
        Verification.verification_id == verification_id,
        Verification.operation == "consume",
    )
    return await session.scalar(statement)


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
