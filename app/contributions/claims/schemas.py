"""Claims, as residents and reviewers see them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.contributions.by_hand.schemas import Reason, RuleCode
from app.contributions.claims.models import ClaimState, ReviewVerdict
from app.contributions.evidence.schemas import EvidencePhotoRead, PhotoIds
from app.contributions.signals.schemas import Signal
from app.core.access import Role
from app.core.ids import Id
from app.core.schemas import Input, Moment
from app.rules.models import Effort, Mode


class ClaimCreate(Input):
    """What I did, under which rule, how often, when (now, if left out), and what shows it.

    `shows_deed` agrees that the note stands on the public list, if the rule has one.
    """

    rule_code: RuleCode = Field(examples=["mediation"])
    units: Annotated[int, Field(ge=1, le=1000)] = 1
    effort: Effort | None = None
    mode: Mode = Mode.ANY
    acted_at: Moment | None = None
    acted_until: Moment | None = None
    note: Annotated[str, StringConstraints(max_length=500)] = Field(
        "", examples=["调解了 3 号楼两户的漏水纠纷"]
    )
    shows_deed: bool = False
    photo_ids: PhotoIds = Field(default_factory=list)


class ClaimCreateForResident(ClaimCreate):
    """Staff enter for a resident: by number, or by the code of their phone or paper card."""

    resident_id: Id | None = None
    resident_code: Annotated[str, StringConstraints(max_length=2000)] | None = None


class ClaimSummary(BaseModel):
    """A claim and what became of it; points are there once it is awarded.

    Less granted than asked means that a cap left no more. `reason` says why it was refused.
    """

    claim_id: Id
    rule_code: str
    rule_name: str
    units: int
    unit: str
    effort: Effort | None
    mode: Mode
    acted_at: datetime
    acted_until: datetime | None
    note: str
    shows_deed: bool
    state: ClaimState
    approvals: int
    review_level: int
    is_entered_by_staff: bool
    claimed_at: datetime
    decided_at: datetime | None
    reason: str | None
    public_notice_id: Id | None
    contribution_id: Id | None
    asked_points: int | None
    granted_points: int | None


class ClaimRead(ClaimSummary):
    """A claim with its photos."""

    photos: list[EvidencePhotoRead]


class ClaimFiled(BaseModel):
    """A new claim: awarded at once (then with points), or waiting for review or public notice.

    `worth_points` is what it asks for before caps; there is a balance only if points moved.
    """

    claim_id: Id
    state: ClaimState
    rule_name: str
    review_level: int
    worth_points: int
    granted_points: int | None
    caps_hit: list[str]
    balance_points: int | None


class StaffClaimSummary(ClaimSummary):
    """A claim in the queue; `may_review` if I am neither involved nor done with it."""

    masked_name: str
    grid_name: str
    my_verdict: ReviewVerdict | None
    may_review: bool


class ReviewRead(BaseModel):
    """What a reviewer said; who they are is told as the role they hold (empty once they left)."""

    role: Role | None
    verdict: ReviewVerdict
    reason: str | None
    reviewed_at: datetime


class StaffClaimRead(StaffClaimSummary):
    """A claim with all that helps to judge it; signals ask to look closer and prove nothing."""

    photos: list[EvidencePhotoRead]
    reviews: list[ReviewRead]
    signals: list[Signal]


class ReviewCreate(Input):
    """My verdict; a refusal needs a reason, which the resident will read."""

    verdict: ReviewVerdict = Field(examples=["approve"])
    reason: Reason | None = Field(None, examples=["照片与申报内容不符"])

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.verdict is ReviewVerdict.REFUSE and self.reason is None:
            raise ValueError("a refusal needs a reason")
        return self


class ClaimReviewed(BaseModel):
    """Where a claim stands after a review."""

    claim_id: Id
    state: ClaimState
    my_verdict: ReviewVerdict
    approvals: int
    review_level: int
    contribution_id: Id | None
