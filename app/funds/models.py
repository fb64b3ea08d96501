"""Funds of a community."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class FundState(StrEnum):
    """Whether it takes donations."""

    OPEN = "open"
    CLOSED = "closed"


class Fund(Model):
    """Something worth giving points to, such as meals for elders who live alone."""

    __tablename__ = "funds"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    fund_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="state_known"),
        Index("uq_funds_code", "community_id", "code", unique=True),
    )
