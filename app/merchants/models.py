"""Shops, and what their clerks did with vouchers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Operation(StrEnum):
    """What a clerk asked for."""

    CONSUME = "consume"
    CANCEL = "cancel"


class Shop(Model):
    """A merchant's place; its account in the ledger carries the shop's number.

    For `void_minutes` after a confirmation the clerk may take it back.
    """

    __tablename__ = "shops"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    void_minutes: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("void_minutes BETWEEN 0 AND 1440", name="void_within_a_day"),)


class Verification(Model):
    """One request of a shop, known by its own `out_request_no`, with the answer it got."""

    __tablename__ = "verifications"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(primary_key=True)
    out_request_no: Mapped[str] = mapped_column(primary_key=True)
    verification_id: Mapped[int]
    operation: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    voucher_id: Mapped[int | None]
    clerk_id: Mapped[int]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime]
    cancels_verification_id: Mapped[int | None]
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("operation IN ('consume', 'cancel')", name="operation_known"),
        Index("uq_verifications_id", "community_id", "verification_id", unique=True),
        # A confirmation is taken back once at most.
        Index("uq_verifications_cancelled", "community_id", "cancels_verification_id", unique=True),
    )
