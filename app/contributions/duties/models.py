"""Who holds which standing duty."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Duty(Model):
    """A resident holds a duty (building head, residence registration) from one day to another.

    A month counts for whoever held it on the month's last day and for at least half of its days.
    """

    __tablename__ = "duties"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    resident_id: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    assigned_by: Mapped[int]
    assigned_at: Mapped[datetime]
    ended_by: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("(ends_on IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        Index(
            "uq_duties_held",
            "community_id",
            "rule_id",
            "resident_id",
            unique=True,
            postgresql_where=sql("ends_on IS NULL"),
        ),
        Index("ix_duties_resident", "community_id", "resident_id"),
    )
