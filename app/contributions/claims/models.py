"""Claims and their reviews."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class ClaimState(StrEnum):
    """Where a claim stands; `approved` waits for the next public list of awards."""

    IN_REVIEW = "in_review"
    APPROVED = "approved"
    IN_NOTICE = "in_notice"
    AWARDED = "awarded"
    AWARDED_ON_APPEAL = "awarded_on_appeal"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ReviewVerdict(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    REFUSE = "refuse"


class Claim(Model):
    """What a resident says they did; judged by the rule version in force when it was done.

    `household_id` is the resident's at the time of the claim. `acted_until` ends it where it
    lasted. `shows_deed` is their consent that the note is shown on the public list. Photos are
    `evidence_photos`. Refused by a review or an upheld objection, `reason` says why.
    """

    __tablename__ = "claims"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    household_id: Mapped[int | None]
    rule_id: Mapped[int]
    rule_version_id: Mapped[int]
    units: Mapped[int]
    effort: Mapped[str | None]
    mode: Mapped[str]
    acted_at: Mapped[datetime]
    acted_until: Mapped[datetime | None]
    note: Mapped[str]
    shows_deed: Mapped[bool]
    state: Mapped[str]
    review_level: Mapped[int] = mapped_column(SmallInteger)
    approvals: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    claimed_by: Mapped[int]
    claimed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    public_notice_id: Mapped[int | None]
    contribution_id: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('in_review', 'approved', 'in_notice', 'awarded', 'awarded_on_appeal',"
            " 'refused', 'withdrawn')",
            name="state_known",
        ),
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint("acted_until > acted_at", name="lasts_forwards"),
        CheckConstraint("coalesce(acted_until, acted_at) <= claimed_at", name="done_before"),
        CheckConstraint(
            "state NOT IN ('approved', 'in_notice', 'awarded') OR approvals >= review_level",
            name="reviewed_enough",
        ),
        CheckConstraint(
            "(state IN ('awarded', 'awarded_on_appeal')) = (contribution_id IS NOT NULL)",
            name="awarded_has_contribution",
        ),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refused_with_reason"),
        CheckConstraint("state <> 'in_notice' OR public_notice_id IS NOT NULL", name="on_a_list"),
        Index("ix_claims_state", "community_id", "state", "claim_id"),
        Index("ix_claims_resident", "community_id", "resident_id", "acted_at"),
        Index("ix_claims_notice", "community_id", "public_notice_id", "claim_id"),
    )


class ClaimReview(Model):
    """One person's verdict on a claim; who may not review is refused by the row's own checks.

    Two people of one household are not two: only one of them reviews a claim.

    Claimant, who entered it and both households are written by the same statement from the claim
    and the register (claims/queries.py), so that the checks see what held at the time.
    """

    __tablename__ = "claim_reviews"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    reason: Mapped[str | None]
    claimant_id: Mapped[int | None]
    entered_by: Mapped[int]
    claimant_household_id: Mapped[int | None]
    reviewer_household_id: Mapped[int | None]
    reviewed_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("verdict IN ('approve', 'refuse')", name="verdict_known"),
        CheckConstraint("verdict = 'approve' OR reason IS NOT NULL", name="refused_with_reason"),
        CheckConstraint("reviewer_id <> claimant_id", name="not_own_claim"),
        CheckConstraint("reviewer_id <> entered_by", name="not_who_entered"),
        CheckConstraint(
            "reviewer_household_id <> claimant_household_id", name="not_of_the_household"
        ),
        ForeignKeyConstraint(
            ["community_id", "claim_id"], ["claims.community_id", "claims.claim_id"]
        ),
        Index("ix_claim_reviews_reviewer", "community_id", "reviewer_id", "reviewed_at"),
        Index(
            "uq_claim_reviews_household",
            "community_id",
            "claim_id",
            "reviewer_household_id",
            unique=True,
        ),
    )
