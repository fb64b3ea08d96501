"""SQL of rewards and vouchers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.rewards.models import Reward, RewardState, Voucher, VoucherState

_RETURN_STOCK = """
    WITH back AS (
        SELECT reward_id, count(*) AS pieces
        FROM unnest(CAST(:reward_ids AS bigint[])) AS reward_id GROUP BY reward_id),
    locked AS (
        SELECT reward_id, pieces FROM rewards JOIN back USING (reward_id)
        WHERE community_id = :community_id AND stock_left IS NOT NULL
        ORDER BY reward_id FOR NO KEY UPDATE OF rewards)
    UPDATE rewards SET stock_left = stock_left + locked.pieces FROM locked
    WHERE community_id = :community_id AND rewards.reward_id = locked.reward_id
"""


async def get_reward(session: AsyncSession, community_id: int, reward_id: int) -> Reward | None:
    return await session.get(Reward, (community_id, reward_id))


async def list_rewards(
    session: AsyncSession, community_id: int, *, after: tuple[int, int], size: int
) -> Sequence[Reward]:
    """Return what is on offer, cheapest first; `after` is (price, number) of the last one."""
    price, reward_id = after
    statement = (
        select(Reward)
        .where(
            Reward.community_id == community_id,
            Reward.state == RewardState.ON_SALE,
            or_(
                Reward.price_points > price,
                (Reward.price_points == price) & (Reward.reward_id > reward_id),
            ),
        )
        .order_by(Reward.price_points, Reward.reward_id)
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def list_open_to(
    session: AsyncSession, community_id: int, resident_id: int, *, size: int
) -> Sequence[Reward]:
    """Return what a resident could redeem with points enough, cheapest first."""
    redeemed = (
        select(func.count())
        .where(
            Voucher.community_id == community_id,
            Voucher.resident_id == resident_id,
            Voucher.reward_id == Reward.reward_id,
            Voucher.state.in_((VoucherState.ISSUED, VoucherState.USED)),
        )
        .correlate(Reward)
        .scalar_subquery()
    )
    statement = (
        select(Reward)
        .where(
            Reward.community_id == community_id,
            Reward.state == RewardState.ON_SALE,
            or_(Reward.stock_left.is_(None), Reward.stock_left > 0),
            or_(Reward.per_resident_limit.is_(None), Reward.per_resident_limit > redeemed),
        )
        .order_by(Reward.price_points, Reward.reward_id)
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def take_from_stock(session: AsyncSession, community_id: int, reward_id: int) -> bool:
    """Take one piece if there is one; the row stays locked until the transaction ends."""
    statement = (
        update(Reward)
        .where(
            Reward.community_id == community_id,
            Reward.reward_id == reward_id,
            Reward.state == RewardState.ON_SALE,
            Reward.stock_left > 0,
        )
        .values(stock_left=Reward.stock_left - 1)
        .returning(Reward.reward_id)
    )
    statement = statement.execution_options(synchronize_session=False)
    return await session.scalar(statement) is not None


async def return_to_stock(
    session: AsyncSession, community_id: int, reward_ids: Sequence[int]
) -> None:
    """Put back one piece per entry."""
    values = {"community_id": community_id, "reward_ids": list(reward_ids)}
    await session.execute(text(_RETURN_STOCK), values)


async def count_vouchers(
    session: AsyncSession, community_id: int, *, resident_id: int, reward_id: int
) -> int:
    """Count a resident's vouchers of a reward that are issued or used."""
    statement = select(func.count()).where(
        Voucher.community_id == community_id,
        Voucher.resident_id == resident_id,
        Voucher.reward_id == reward_id,
        Voucher.state.in_((VoucherState.ISSUED, VoucherState.USED)),
    )
    return await session.scalar(statement) or 0


async def list_vouchers(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[tuple[Voucher, Reward]]:
    """Return a resident's vouchers with their rewards, newest first."""
    statement = (
        select(Voucher, Reward)
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .where(
            Voucher.community_id == community_id,
            Voucher.resident_id == resident_id,
            Voucher.voucher_id < before,
        )
        .order_by(Voucher.voucher_id.desc())
        .limit(size)
    )
    return [(voucher, reward) for voucher, reward in (await session.execute(statement)).all()]


async def get_voucher(
    session: AsyncSession, community_id: int, voucher_id: int
) -> tuple[Voucher, Reward] | None:
    """Return a voucher with its reward."""
    statement = (
        select(Voucher, Reward)
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .where(Voucher.community_id == community_id, Voucher.voucher_id == voucher_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_typed_code(session: AsyncSession, community_id: int, typed_code: str) -> int | None:
    """Return the number of the voucher with this typed code."""
    statement = select(Voucher.voucher_id).where(
        Voucher.community_id == community_id, Voucher.typed_code == typed_code
    )
    return await session.scalar(statement)


async def lock_voucher(session: AsyncSession, community_id: int, voucher_id: int) -> Voucher | None:
    """Return a voucher, locked until the transaction ends."""
    statement = (
        select(Voucher)
        .where(Voucher.community_id == community_id, Voucher.voucher_id == voucher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def lock_issued_vouchers(
    session: AsyncSession, community_id: int, resident_id: int
) -> Sequence[Voucher]:
    """Return a resident's vouchers that are neither used nor ended, locked."""
    statement = (
        select(Voucher)
        .where(
            Voucher.community_id == community_id,
            Voucher.resident_id == resident_id,
            Voucher.state == VoucherState.ISSUED,
        )
        .order_by(Voucher.voucher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def lock_lapsed_vouchers(
    session: AsyncSession, community_id: int, *, now: datetime, size: int
) -> Sequence[Voucher]:
    """Return vouchers past their date that nobody else is working on, locked."""
    statement = (
        select(Voucher)
        .where(
            Voucher.community_id == community_id,
            Voucher.state == VoucherState.ISSUED,
            Voucher.valid_until <= now,
        )
        .order_by(Voucher.valid_until)
        .limit(size)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (await session.scalars(statement)).all()


async def list_communities_with_lapsed(session: AsyncSession, *, now: datetime) -> Sequence[int]:
    """Return the communities that have vouchers past their date."""
    statement = (
        select(Voucher.community_id)
        .where(Voucher.state == VoucherState.ISSUED, Voucher.valid_until <= now)
        .distinct()
        .order_by(Voucher.community_id)
    )
    return (await session.scalars(statement)).all()


async def end_vouchers(
    session: AsyncSession,
    community_id: int,
    voucher_ids: Sequence[int],
    *,
    state: VoucherState,
    now: datetime,
) -> None:
    """Close vouchers that were not used."""
    statement = (
        update(Voucher)
        .where(Voucher.community_id == community_id, Voucher.voucher_id.in_(voucher_ids))
        .values(state=state, ended_at=now)
    )
    await session.execute(statement)
