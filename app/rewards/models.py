"""Rewards and vouchers: what points buy, and the proof of purchase."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class RewardState(StrEnum):
    """Whether it can be redeemed."""

    ON_SALE = "on_sale"
    WITHDRAWN = "withdrawn"


class VoucherState(StrEnum):
    """Where a voucher stands; only `issued` still pins points."""

    ISSUED = "issued"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Reward(Model):
    """Something in the catalogue; `stock_left` empty means unlimited, `shop_id` any shop."""

    __tablename__ = "rewards"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    reward_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    price_points: Mapped[int]
    stock_left: Mapped[int | None]
    per_resident_limit: Mapped[int | None]
    voucher_days: Mapped[int]
    shop_id: Mapped[int | None]
    state: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind IN ('coupon', 'goods', 'service', 'privilege')", name="kind_known"),
        CheckConstraint("state IN ('on_sale', 'withdrawn')", name="state_known"),
        CheckConstraint("price_points > 0", name="price_positive"),
        CheckConstraint("stock_left >= 0", name="stock_not_negative"),
        CheckConstraint("per_resident_limit > 0", name="limit_positive"),
        CheckConstraint("voucher_days BETWEEN 1 AND 366", name="voucher_days_within_a_year"),
        Index("uq_rewards_code", "community_id", "code", unique=True),
        Index(None, "community_id", "price_points", "reward_id"),
    )


class Voucher(Model):
    """A redemption: its hold in the ledger carries the voucher's number."""

    __tablename__ = "vouchers"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    voucher_id: Mapped[int] = mapped_column(primary_key=True)
    reward_id: Mapped[int]
    resident_id: Mapped[int]
    typed_code: Mapped[str]
    points: Mapped[int]
    state: Mapped[str]
    issued_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_shop_id: Mapped[int | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('issued', 'used', 'cancelled', 'expired')", name="state_known"),
        CheckConstraint(
            "(state = 'used') = (used_at IS NOT NULL AND used_shop_id IS NOT NULL)",
            name="used_names_shop_and_time",
        ),
        Index("uq_vouchers_typed_code", "community_id", "typed_code", unique=True),
        Index(None, "community_id", "resident_id", "voucher_id"),
        Index(
            "ix_vouchers_open",
            "community_id",
            "valid_until",
            postgresql_where=text("state = 'issued'"),
        ),
    )
