"""Awards and deductions that the committee posts by hand."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.contributions.models import ContributionState
from app.core.ids import Id
from app.core.schemas import Input, Moment

RuleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class PostingCreate(Input):
    """For whom, under which rule, how often, when (now, if left out), and why."""

    resident_id: Id
    rule_code: RuleCode = Field(examples=["mediation"])
    units: Annotated[int, Field(ge=1, le=1000)] = 1
    acted_at: Moment | None = None
    reason: Reason = Field(examples=["调解 3 号楼漏水纠纷"])


class ContributionRead(BaseModel):
    """What was posted: `granted_points` is negative for a deduction.

    Less than asked means that a cap left no more, or that the wallet could not give more.
    """

    contribution_id: Id
    resident_id: Id
    state: ContributionState
    asked_points: int
    granted_points: int
    rule_code: str
    reason: str
    acted_at: datetime
