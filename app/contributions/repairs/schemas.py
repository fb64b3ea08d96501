"""Repair tasks: what is to be done, what was reported, what became of it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.contributions.evidence.schemas import EvidencePhotoRead, PhotoIds
from app.contributions.repairs.models import RepairState
from app.core.ids import Id
from app.core.schemas import Input


class RepairReport(Input):
    """What was done, with photos sent before."""

    report: Annotated[str, StringConstraints(min_length=2, max_length=500)] = Field(
        examples=["周六上午在 3 号楼下值守两小时"]
    )
    photo_ids: PhotoIds = Field(default_factory=list)


class RepairRefusal(Input):
    """What is missing, so that it can be done after all."""

    reason: Annotated[str, StringConstraints(min_length=2, max_length=200)] = Field(
        examples=["照片看不清，请补拍"]
    )


class RepairTaskRead(BaseModel):
    """What gives `points` of a deduction back; to be reported before `due_at`, if it is `offered`.

    Once it is done, `points` is what was given back: less than promised if an appeal has given
    part of it back before. `refusal` says what the report before was lacking.
    """

    repair_task_id: Id
    contribution_id: Id
    task: str
    points: int
    due_at: datetime
    state: RepairState
    report: str | None
    photos: list[EvidencePhotoRead]
    reported_at: datetime | None
    decided_at: datetime | None
    refusal: str | None


class StaffRepairTaskRead(RepairTaskRead):
    """A repair task as those see it who decide."""

    resident_id: Id
    reported_by: Id | None
    decided_by: Id | None
