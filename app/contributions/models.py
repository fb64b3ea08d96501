"""Contributions: the one record behind every award and deduction, and the caps they use up."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class SourceKind(StrEnum):
    """Where a contribution came from; with source, resident and occasion it is unique."""

    ACTIVITY = "activity"
    DAILY_CHECK_IN = "daily_check_in"
    COMMITTEE = "committee"
    CASE = "case"


class ContributionState(StrEnum):
    """What became of it."""

    AWARDED = "awarded"
    CAPPED = "capped"
    DEDUCTED = "deducted"


class Contribution(Model):
    """Who did what, when, under which rule version, and what it gave.

    For an activity the contribution is the check-in. An award's transfer and lot carry this
    number. `breakdown` explains the points; `granted_points` is negative for a deduction.
    """

    __tablename__ = "contributions"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    contribution_id: Mapped[int] = mapped_column(primary_key=True)
    source_kind: Mapped[str]
    source_id: Mapped[int]
    resident_id: Mapped[int]
    occasion: Mapped[str]
    rule_id: Mapped[int]
    rule_version_id: Mapped[int]
    state: Mapped[str]
    units: Mapped[int]
    asked_points: Mapped[int]
    granted_points: Mapped[int]
    breakdown: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    recorded_by: Mapped[int]
    acted_at: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "source_kind IN ('activity', 'daily_check_in', 'committee', 'case')",
            name="source_kind_known",
        ),
        CheckConstraint("state IN ('awarded', 'capped', 'deducted')", name="state_known"),
        CheckConstraint("abs(granted_points) <= abs(asked_points)", name="granted_within_asked"),
        Index(
            "uq_contributions_source",
            "community_id",
            "source_kind",
            "source_id",
            "resident_id",
            "occasion",
            unique=True,
        ),
    )


class ContributionReversal(Model):
    """An award taken back: why, by whom, and how much was there to take.

    Its number is the transfer's that reverses the award; without points to take there is none.
    """

    __tablename__ = "contribution_reversals"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    contribution_id: Mapped[int] = mapped_column(primary_key=True)
    reversal_id: Mapped[int]
    asked_points: Mapped[int]
    taken_points: Mapped[int]
    reason: Mapped[str]
    reversed_by: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("taken_points BETWEEN 0 AND asked_points", name="taken_within_asked"),
    )


class CapUsage(Model):
    """How much of a rule's caps a resident has used in a period; `all` starts in 1970.

    Written only by whoever holds the resident's balance row.
    """

    __tablename__ = "cap_usage"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    used_points: Mapped[int]
    used_times: Mapped[int]

    __table_args__ = (
        CheckConstraint("period IN ('day', 'week', 'month', 'year', 'all')", name="period_known"),
        CheckConstraint("used_points >= 0 AND used_times >= 0", name="used_not_negative"),
    )
