"""Activities: what residents come to and check in at."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.coordinates import Position
from app.core.database import Model


class ActivityState(StrEnum):
    """Whether it takes place."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class Activity(Model):
    """Something to check in to; `grid_id` empty means the whole community.

    `version` rises with every change, so that a check-in judged by an older one goes round again.
    Longitude and latitude of the place are WGS-84.
    """

    __tablename__ = "activities"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    title: Mapped[str]
    location: Mapped[str]
    longitude: Mapped[float | None] = mapped_column(Double)
    latitude: Mapped[float | None] = mapped_column(Double)
    rule_id: Mapped[int]
    units: Mapped[int]
    grid_id: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    check_in_opens_at: Mapped[datetime]
    check_in_closes_at: Mapped[datetime]
    state: Mapped[str]
    created_by: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("state IN ('scheduled', 'cancelled')", name="state_known"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("check_in_closes_at > check_in_opens_at", name="closes_after_opening"),
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="place_is_whole"),
        Index(None, "community_id", "ends_at", "activity_id"),
    )

    @property
    def place(self) -> Position | None:
        """Where it is, if that was announced."""
        if self.longitude is None or self.latitude is None:
            return None
        return Position(self.latitude, self.longitude)
