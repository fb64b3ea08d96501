"""Contributions: the one record behind every award and deduction, and the caps they use up."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Double, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class SourceKind(StrEnum):
    """Where a contribution came from; with source, resident and occasion it is unique.

    Nothing is posted alone any more: that was before postings by hand had to be checked.
    """

    ACTIVITY = "activity"
    DAILY_CHECK_IN = "daily_check_in"
    COMMITTEE = "committee"
    COMMITTEE_ALONE = "committee_alone"
    CASE = "case"
    CLAIM = "claim"
    AWARD_LIST = "award_list"
    DUTY = "duty"
    NEWCOMER = "newcomer"
    APPEAL = "appeal"


class ContributionState(StrEnum):
    """What became of it."""

    AWARDED = "awarded"
    CAPPED = "capped"
    DEDUCTED = "deducted"


class Contribution(Model):
    """Who did what, when, under which rule version, and what it gave.

    For an activity the contribution is the check-in. An award's transfer and lot carry this
    number. `breakdown` explains the points; `granted_points` is negative for a deduction.
    `is_spaced` where the rule asks for an interval to the next. Longitude and latitude (WGS-84)
    are those of the place that was announced, never of a person.
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
    checked_by: Mapped[int | None]
    acted_at: Mapped[datetime]
    is_spaced: Mapped[bool] = mapped_column(server_default=text("false"))
    longitude: Mapped[float | None] = mapped_column(Double)
    latitude: Mapped[float | None] = mapped_column(Double)
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("checked_by <> recorded_by", name="checked_by_another"),
        CheckConstraint(
            "source_kind NOT IN ('committee', 'award_list', 'appeal') OR checked_by IS NOT NULL",
            name="manual_is_checked",
        ),
        CheckConstraint(
            "source_kind IN ('activity', 'daily_check_in', 'committee', 'committee_alone', 'case',"
            " 'claim', 'award_list', 'duty', 'newcomer', 'appeal')",
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
        Index(
            "ix_contributions_spaced",
            "community_id",
            "rule_id",
            "resident_id",
            "acted_at",
            postgresql_where=text("is_spaced"),
        ),
    )


class ContributionReversal(Model):
    """Part or all of a contribution undone: why, by whom, and how much could be moved.

    Its number is the transfer's that reverses; where nothing could be moved there is none.
    Points of an award are asked back, points of a deduction are given back. With `frees_caps` an
    award no longer counts for its rule's caps and campaigns' limits, as if it had not been; then
    it may also take what was asked for before and was not there.
    """

    __tablename__ = "contribution_reversals"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    reversal_id: Mapped[int] = mapped_column(primary_key=True)
    contribution_id: Mapped[int]
    asked_points: Mapped[int]
    taken_points: Mapped[int]
    reason: Mapped[str]
    reversed_by: Mapped[int]
    frees_caps: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "taken_points >= 0 AND (frees_caps OR taken_points <= asked_points)",
            name="taken_within_asked",
        ),
        Index("ix_contribution_reversals_contribution", "community_id", "contribution_id"),
    )


class PostingKind(StrEnum):
    """What is posted by hand."""

    AWARD = "award"
    DEDUCTION = "deduction"
    REPAIR = "repair"
    REVERSAL = "reversal"


class PostingState(StrEnum):
    """Where a posting by hand stands; only `proposed` can still be decided."""

    PROPOSED = "proposed"
    POSTED = "posted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ManualPosting(Model):
    """Points moved by hand: one person proposes, another one checks, then it is posted.

    Awards and deductions name a rule, repairs and reversals a transfer. `result` is what the
    posting did, as the answer said it. A deduction waits until the resident has answered, or
    could have until `heard_until`; somebody else writes the answer down (`answered_by`) only for
    a resident without a phone. `repair_task` is what gives `repair_points` of it back.
    """

    __tablename__ = "manual_postings"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    manual_posting_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    resident_id: Mapped[int]
    rule_code: Mapped[str | None]
    units: Mapped[int | None]
    acted_at: Mapped[datetime | None]
    transfer_id: Mapped[int | None]
    points: Mapped[int | None]
    is_our_fault: Mapped[bool]
    reason: Mapped[str]
    proposed_by: Mapped[int]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    heard_until: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None]
    repair_task: Mapped[str | None]
    repair_points: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("kind IN ('award', 'deduction', 'repair', 'reversal')", name="kind_known"),
        CheckConstraint(
            "state IN ('proposed', 'posted', 'refused', 'withdrawn')", name="state_known"
        ),
        CheckConstraint(
            "(kind IN ('award', 'deduction')) = (rule_code IS NOT NULL AND units IS NOT NULL)",
            name="rule_named",
        ),
        CheckConstraint(
            "(kind IN ('repair', 'reversal')) = (transfer_id IS NOT NULL)", name="transfer_named"
        ),
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided_by_somebody"),
        CheckConstraint(
            "state NOT IN ('posted', 'refused') OR decided_by <> proposed_by",
            name="checker_is_another",
        ),
        CheckConstraint("(state = 'posted') = (result IS NOT NULL)", name="posted_has_result"),
        CheckConstraint(
            "kind <> 'deduction' OR state <> 'posted' OR answered_at IS NOT NULL"
            " OR heard_until IS NULL OR decided_at >= heard_until",
            name="heard_first",
        ),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)",
            name="answered_with_time",
        ),
        CheckConstraint(
            "answered_by <> proposed_by AND answered_by <> decided_by", name="answered_by_another"
        ),
        CheckConstraint(
            "repair_task IS NULL OR (kind = 'deduction' AND repair_points > 0)", name="repair_of"
        ),
        Index("ix_manual_postings_state", "community_id", "state", "manual_posting_id"),
        Index(
            "ix_manual_postings_deducted",
            "community_id",
            "resident_id",
            "manual_posting_id",
            postgresql_where=text("kind = 'deduction'"),
        ),
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


class CampaignUsage(Model):
    """How much a campaign with a limit has given: to a resident, or (resident 0) to everybody.

    Everybody's is there where it has a budget. Written by whoever holds the residents' balance
    rows and, for everybody's, this row.
    """

    __tablename__ = "campaign_usage"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    used_points: Mapped[int]

    __table_args__ = (CheckConstraint("used_points >= 0", name="used_not_negative"),)


class EvidencePhoto(Model):
    """A photo that stands behind a claim, a posting by hand, a repair or an appeal."""

    __tablename__ = "evidence_photos"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(primary_key=True)

    __table_args__ = (Index("ix_evidence_photos_photo", "community_id", "photo_id"),)
