"""Postings by hand: what is proposed, and what became of it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.contributions.evidence.schemas import EvidencePhotoRead, PhotoIds
from app.contributions.models import PostingKind, PostingState
from app.contributions.repairs.schemas import RepairTaskRead
from app.core.ids import Id
from app.core.schemas import Input, Moment

RuleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]
Points = Annotated[int, Field(ge=1, le=1_000_000)]


class UnderRule(Input):
    """For whom, under which rule, how often, when (now, if left out), and why."""

    resident_id: Id
    rule_code: RuleCode = Field(examples=["mediation"])
    units: Annotated[int, Field(ge=1, le=1000)] = 1
    acted_at: Moment | None = None
    reason: Reason = Field(examples=["调解 3 号楼漏水纠纷"])


class AwardCreate(UnderRule):
    """Points for what somebody did."""

    kind: Literal[PostingKind.AWARD]


class DeductionCreate(UnderRule):
    """Points taken for what somebody did, once they could answer.

    Whoever does the repair task in time gets `repair_points` back, all of it if left out.
    """

    kind: Literal[PostingKind.DEDUCTION]
    photo_ids: PhotoIds = Field(default_factory=list)
    repair_task: Reason | None = Field(default=None, examples=["参加一次垃圾分类值守"])
    repair_points: Points | None = None

    @model_validator(mode="after")
    def _points_have_a_task(self) -> Self:
        if self.repair_points is not None and self.repair_task is None:
            msg = "points to give back need a repair task"
            raise ValueError(msg)
        return self


class RepairCreate(Input):
    """A deduction given back (what is left of it, if `points` is left out) for service since."""

    kind: Literal[PostingKind.REPAIR]
    transfer_id: Id
    points: Points | None = None
    reason: Reason = Field(examples=["参加两次垃圾分类值守"])


class ReversalCreate(Input):
    """A movement undone (what is left of it, if `points` is left out) because it was wrong.

    Where the office or the shop was at fault, points whose date has passed may be used for 30
    more days.
    """

    kind: Literal[PostingKind.REVERSAL]
    transfer_id: Id
    points: Points | None = None
    is_our_fault: bool
    reason: Reason = Field(examples=["同一件事登记了两次"])


PostingCreate = Annotated[
    AwardCreate | DeductionCreate | RepairCreate | ReversalCreate, Field(discriminator="kind")
]


class PostingRefusal(Input):
    """Why a posting is not approved."""

    reason: Reason = Field(examples=["与事实不符"])


class DeductionAnswer(Input):
    """What the resident says to a deduction before it is decided."""

    text: Annotated[str, StringConstraints(min_length=2, max_length=500)] = Field(
        examples=["当天我不在家，请核实照片时间"]
    )


class PostingResult(BaseModel):
    """What a posting did, as the resident sees it: negative is taken.

    Less moved than asked means that a cap left no more, or that the wallet had no more. There is
    no transfer where nothing moved, and no contribution where another one was undone.
    """

    asked_points: int
    moved_points: int
    contribution_id: Id | None
    transfer_id: Id | None


class PostingRead(BaseModel):
    """A posting by hand; `result` is there once it is posted.

    `points` are those of a repair or reversal, fixed when it was proposed, or what a deduction is
    to take. A deduction can be approved from `heard_until` on, or once the resident has answered
    in person.
    """

    posting_id: Id
    kind: PostingKind
    state: PostingState
    resident_id: Id
    rule_code: str | None
    units: int | None
    acted_at: datetime | None
    transfer_id: Id | None
    points: int | None
    is_our_fault: bool
    reason: str
    proposed_by: Id
    proposed_at: datetime
    decided_by: Id | None
    decided_at: datetime | None
    decision_reason: str | None
    result: PostingResult | None
    photos: list[EvidencePhotoRead]
    heard_until: datetime | None
    answer: str | None
    answered_at: datetime | None
    answered_by: Id | None
    repair_task: str | None
    repair_points: int | None


class DeductionRead(BaseModel):
    """A deduction as whom it concerns sees it.

    While `proposed` nothing has been taken, and it can be answered once; then it waits until
    somebody decides, at the earliest at `heard_until` if they have not answered in person.
    `repair` is there once it is posted.
    """

    posting_id: Id
    state: PostingState
    rule_code: str
    rule_name: str
    units: int
    points: int | None
    acted_at: datetime
    reason: str
    photos: list[EvidencePhotoRead]
    proposed_at: datetime
    heard_until: datetime | None
    answer: str | None
    answered_at: datetime | None
    decided_at: datetime | None
    decision_reason: str | None
    result: PostingResult | None
    repair_task: str | None
    repair_points: int | None
    repair: RepairTaskRead | None
