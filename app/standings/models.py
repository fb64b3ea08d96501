"""What each resident earned in each period; nothing two residents share is ever written."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Standing(Model):
    """A resident's score in one period; spending never lowers it, deductions do."""

    __tablename__ = "standings"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    score: Mapped[int]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("period IN ('week', 'month', 'all')", name="period_known"),
        Index("ix_standings_score", "community_id", "period", "starts_on", "score", "resident_id"),
    )
