"""Appeals as they are filed, read and decided."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.contributions.claims.models import ReviewVerdict
from app.contributions.evidence.schemas import EvidencePhotoRead, PhotoIds
from app.contributions.explaining.schemas import ContributionExplained, WhoActed
from app.core.ids import Id
from app.core.schemas import Input
from app.governance.models import AppealKind, AppealState
from app.rules.models import Effort

LongText = Annotated[str, StringConstraints(min_length=10, max_length=1000)]
RuleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class Verdict(StrEnum):
    """How an appeal is decided."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    DISMISSED = "dismissed"


class AppealCreate(Input):
    """What the appeal is against (a contribution, or for a refusal the claim), and why."""

    kind: AppealKind
    subject_id: Id
    text: LongText = Field(examples=["当天我在外地，监控里的人不是我，请重新核实。"])
    photo_ids: PhotoIds = Field(default_factory=list)


class Correction(Input):
    """What is put right: points to give back, or by what the act is judged anew.

    What is left out of a rule, units and effort stays as it was.
    """

    points: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rule_code: RuleCode | None = None
    units: Annotated[int, Field(ge=1, le=1000)] | None = None
    effort: Effort | None = None


class AppealDecision(Input):
    """The verdict with its reasons; a correction where something is to be put right.

    A deduction that is upheld is given back whole, one that is partly upheld by
    `correction.points`. A refused claim is awarded as claimed, or as corrected. An award is judged
    anew as the correction says; an empty one judges it as it was.
    """

    verdict: Verdict
    outcome: LongText = Field(examples=["经查看监控，当事人确非本人，扣分予以撤销。"])
    correction: Correction | None = None


class Effects(BaseModel):
    """What was done: the resident's points, more (never fewer), and by which records."""

    points: int
    granted_points: int
    taken_back_points: int
    given_back_points: int
    contribution_id: Id | None
    reversal_id: Id | None


class AppealFiled(BaseModel):
    """An appeal that was taken, and until when it is to be answered."""

    appeal_id: Id
    answer_until: datetime


class AppealWindow(BaseModel):
    """Whether something can be appealed against, until when, and the appeal there is."""

    kind: AppealKind
    subject_id: Id
    until: datetime
    is_possible: bool
    appeal_id: Id | None
    state: AppealState | None


class AppealSummary(BaseModel):
    """An appeal in a list."""

    appeal_id: Id
    kind: AppealKind
    subject_id: Id
    subject_name: str
    state: AppealState
    filed_at: datetime
    answer_until: datetime
    is_overdue: bool
    decided_at: datetime | None


class AppealRead(AppealSummary):
    """An appeal of mine in full."""

    text: str
    is_filed_by_staff: bool
    outcome: str | None
    effects: Effects | None
    decided_by: WhoActed | None
    photos: list[EvidencePhotoRead]


class StaffAppealSummary(AppealSummary):
    """An appeal in the queue; `may_decide` as far as is known without going into it."""

    resident_id: Id
    masked_name: str
    may_decide: bool


class ClaimReviewSeen(BaseModel):
    """What a reviewer said of a claim."""

    by: WhoActed
    verdict: ReviewVerdict
    reason: str | None
    reviewed_at: datetime


class RefusedClaim(BaseModel):
    """The claim that an appeal against a refusal is about."""

    claim_id: Id
    rule_code: str
    rule_name: str
    units: int
    effort: Effort | None
    acted_at: datetime
    acted_until: datetime | None
    note: str
    claimed_at: datetime
    claimed_by: WhoActed
    decided_at: datetime
    reason: str
    reviews: list[ClaimReviewSeen]
    photos: list[EvidencePhotoRead]


class StaffAppealRead(AppealRead):
    """An appeal as those see it who decide: with what it is against explained."""

    resident_id: Id
    masked_name: str
    may_decide: bool
    contribution: ContributionExplained | None
    claim: RefusedClaim | None


class AppealCounts(BaseModel):
    """How appeals of one kind and quarter ended.

    Null is a number that is not shown: one below three, or a sum, that would tell how somebody's
    appeal ended. Days to decide are calendar days, the median of three or more.
    """

    kind: AppealKind
    quarter: str = Field(examples=["2026-Q4"])
    begins_on: date
    filed: int | None
    upheld: int | None
    partly_upheld: int | None
    dismissed: int | None
    withdrawn: int | None
    open: int | None
    overdue: int | None
    median_days_to_decide: float | None


class AppealStatistics(BaseModel):
    """Appeals of a community by quarter, newest first, and kind."""

    items: list[AppealCounts]
    next_cursor: None = None
