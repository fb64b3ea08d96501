"""Copies of one's own data, and the end of an account."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class ExportState(StrEnum):
    """Where a copy stands."""

    WAITING = "waiting"
    READY = "ready"
    DESTROYED = "destroyed"


class ClosureState(StrEnum):
    """Where the end of an account stands."""

    ASKED = "asked"
    CANCELLED = "cancelled"
    DONE = "done"


class DataExport(Model):
    """A copy of a resident's data, made by a job, to be fetched for a few days."""

    __tablename__ = "data_exports"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    data_export_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    person_id: Mapped[int]
    state: Mapped[str]
    object_key: Mapped[str | None]
    asked_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'ready', 'destroyed')", name="state_known"),
        CheckConstraint("(state = 'ready') = (object_key IS NOT NULL)", name="ready_with_file"),
        Index(
            "uq_data_exports_waiting",
            "community_id",
            "resident_id",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_data_exports_resident", "community_id", "resident_id", "data_export_id"),
    )


class Closure(Model):
    """A resident wants their account closed; until `closes_at` they may change their mind."""

    __tablename__ = "closures"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    closure_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    person_id: Mapped[int]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('asked', 'cancelled', 'done')", name="state_known"),
        CheckConstraint("(state = 'asked') = (ended_at IS NULL)", name="ended_with_time"),
        Index(
            "uq_closures_asked",
            "community_id",
            "resident_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )
