"""Duties: who is to hold one, and who holds one."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from app.core.ids import Id
from app.core.schemas import Input

MOST_RESIDENTS = 1000
RuleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
ResidentIds = Annotated[
    list[Id],
    Field(min_length=1, max_length=MOST_RESIDENTS),
    AfterValidator(lambda ids: list(dict.fromkeys(ids))),
]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]


class DutyAssign(Input):
    """Who is to hold a duty from a day on: some residents, all of a grid, or everybody."""

    rule_code: RuleCode = Field(examples=["building_head"])
    starts_on: Day
    resident_ids: ResidentIds | None = None
    grid_id: Id | None = None
    everybody: bool = Field(default=False, examples=[True])

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        named = [self.resident_ids is not None, self.grid_id is not None, self.everybody]
        if sum(named) != 1:
            message = "name resident_ids, grid_id or everybody, and only one of them"
            raise ValueError(message)
        return self


class DutyEnd(Input):
    """On which day a duty is held for the last time."""

    ends_on: Day


class SkipReason(StrEnum):
    """Why somebody was left out."""

    HELD_ALREADY = "held_already"
    OWN = "own"


class Skipped(BaseModel):
    """Somebody who was left out, and why."""

    resident_id: Id
    reason: SkipReason


class DutiesAssigned(BaseModel):
    """How many hold the duty now, and who was left out (the first 1,000 of `skipped_count`)."""

    assigned_count: int
    skipped_count: int
    skipped: list[Skipped]


class DutyRead(BaseModel):
    """A duty of a resident; it goes on while `ends_on` is null."""

    duty_id: Id
    rule_code: str
    resident_id: Id
    masked_name: str
    starts_on: date
    ends_on: date | None
    assigned_by: Id
    assigned_at: datetime
    ended_by: Id | None
