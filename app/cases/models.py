"""Cases: what residents bring that somebody must handle; so far hazards."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class CaseKind(StrEnum):
    """What kind of matter it is."""

    HAZARD = "hazard"


class CaseState(StrEnum):
    """The steps the workflow knows (workflow.py); a community may name finer ones."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    PAUSED = "paused"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"
    REFUSED = "refused"
    FAKE = "fake"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"


class StatusKind(StrEnum):
    """Whether somebody still has to do something."""

    OPEN = "open"
    CLOSED = "closed"


def _known(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class CaseSettings(Model):
    """How a community handles cases.

    `ladder` is a list of {hours, role}: so many working hours after the deadline (before it, if
    negative) those who hold the role for the case's grid are told. After `most_bounces` the
    committee alone decides whose case it is.
    """

    __tablename__ = "case_settings"

    community_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ladder: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    most_bounces: Mapped[int]
    confirm_days: Mapped[int]

    __table_args__ = (
        CheckConstraint("most_bounces >= 0", name="most_bounces_not_negative"),
        CheckConstraint("confirm_days BETWEEN 1 AND 90", name="confirm_days_in_range"),
    )


class CaseCategory(Model):
    """A branch of the category tree: who earns what, how fast it must go, what is near.

    `rule_codes` are the rules by which reports of this category earn; each rule says at which
    step. Hours are working hours. `advice` is shown before one reports: whom to call instead.
    """

    __tablename__ = "case_categories"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None]
    kind: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    rule_codes: Mapped[list[str]] = mapped_column(JSONB)
    answer_hours: Mapped[int]
    resolve_hours: Mapped[int]
    near_meters: Mapped[int]
    advice: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(_known("kind", CaseKind), name="kind_known"),
        CheckConstraint("answer_hours > 0 AND resolve_hours > 0", name="hours_positive"),
        CheckConstraint("near_meters >= 0", name="near_meters_not_negative"),
        ForeignKeyConstraint(
            ["community_id", "parent_id"],
            ["case_categories.community_id", "case_categories.category_id"],
        ),
        Index("uq_case_categories_code", "community_id", "code", unique=True),
    )


class CaseStatus(Model):
    """A status as people see it; each stands for one state of the workflow."""

    __tablename__ = "case_statuses"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]

    __table_args__ = (
        CheckConstraint(_known("kind", StatusKind), name="kind_known"),
        CheckConstraint(_known("state", CaseState), name="state_known"),
    )


class Case(Model):
    """One matter, from report to confirmation.

    `reporter_id` is the resident it comes from, `reported_by` the person who typed it: a worker
    may report for a resident without a phone. `due_at` is the deadline of the present step, in
    working time; while paused `left_seconds` is what remains of it. `escalates_at` is when the next
    step of the ladder is taken, `escalations` counts those taken.
    """

    __tablename__ = "cases"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    category_id: Mapped[int]
    state: Mapped[str]
    status_code: Mapped[str]
    grid_id: Mapped[int]
    building_id: Mapped[int | None]
    reporter_id: Mapped[int]
    reported_by: Mapped[int]
    assigned_to: Mapped[int | None]
    description: Mapped[str]
    address: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    reported_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    left_seconds: Mapped[int | None]
    pause_reason: Mapped[str | None]
    escalates_at: Mapped[datetime | None]
    escalations: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    bounces: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    result_event_id: Mapped[int | None]
    duplicate_of: Mapped[int | None]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    rating_comment: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(_known("kind", CaseKind), name="kind_known"),
        CheckConstraint(_known("state", CaseState), name="state_known"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        CheckConstraint("(state = 'duplicate') = (duplicate_of IS NOT NULL)", name="joined_to_one"),
        CheckConstraint("duplicate_of <> case_id", name="not_its_own_duplicate"),
        CheckConstraint("(state = 'paused') = (left_seconds IS NOT NULL)", name="paused_with_time"),
        CheckConstraint(
            "(closed_at IS NULL) = (state IN ('reported', 'accepted', 'paused', 'reopened'))",
            name="closed_with_time",
        ),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="whole_position"),
        Index("ix_cases_reporter", "community_id", "reporter_id", "case_id"),
        Index("ix_cases_grid", "community_id", "grid_id", "case_id"),
        Index(
            "ix_cases_open_of_worker",
            "community_id",
            "grid_id",
            "assigned_to",
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_cases_resolved",
            "community_id",
            "resolved_at",
            postgresql_where=text("state = 'resolved'"),
        ),
        Index("ix_cases_place", "community_id", "latitude", "longitude"),
        Index(
            "ix_cases_escalates_at",
            "community_id",
            "escalates_at",
            postgresql_where=text("escalates_at IS NOT NULL"),
        ),
    )


class CasePhoto(Model):
    """A photo of a case: of the report, or of the result. A photo belongs to one case only."""

    __tablename__ = "case_photos"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int]
    purpose: Mapped[str]

    __table_args__ = (
        CheckConstraint("purpose IN ('report', 'result')", name="purpose_known"),
        Index("ix_case_photos_case", "community_id", "case_id"),
    )


class CaseJoin(Model):
    """A resident has seen the same thing: "me too"."""

    __tablename__ = "case_joins"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    joined_by: Mapped[int]
    joined_at: Mapped[datetime]


class CaseEvent(Model):
    """Something happened to a case; written once, never changed."""

    __tablename__ = "case_events"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    case_event_id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int]
    action: Mapped[str]
    state: Mapped[str]
    status_code: Mapped[str]
    person_id: Mapped[int | None]
    note: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_case_events_case", "community_id", "case_id", "case_event_id"),)


class CaseFlag(Model):
    """A photo of the case looks like one sent before: a hint for whoever decides, no more."""

    __tablename__ = "case_flags"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(primary_key=True)
    other_photo_id: Mapped[int] = mapped_column(primary_key=True)
    other_case_id: Mapped[int | None]
    distance: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]
