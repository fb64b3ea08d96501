"""Award lists: what was understood of a file, and what became of its rows."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.contributions.lists.models import ListState
from app.core.ids import Id
from app.core.schemas import Input
from app.rules.models import Effort

Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class RowError(BaseModel):
    """What is wrong in a row; the headings are row 1. `column` is as in the file."""

    row: int = Field(examples=[7])
    column: str = Field(examples=["手机号"])
    code: str = Field(examples=["resident_unknown"])
    message: str = Field(examples=["没有找到这位居民。"])


class RuleShare(BaseModel):
    """How many rows go by a rule, and the points they ask for before caps."""

    rule_code: str
    rule_name: str
    rows: int
    points: int


class RowUnderstood(BaseModel):
    """A row as it would be awarded."""

    row: int
    resident_id: Id
    masked_name: str
    building_name: str | None
    room: str | None
    rule_code: str
    rule_name: str
    units: int
    effort: Effort | None
    acted_at: datetime
    note: str
    points: int


class AwardListCheck(BaseModel):
    """What a file holds: points by rule, its first 20 good rows, and all that is wrong.

    `errors` are the first 500 of `error_count`; rows with errors are not counted in points.
    """

    row_count: int
    asked_points: int
    rules: list[RuleShare]
    rows: list[RowUnderstood]
    error_count: int
    errors: list[RowError]


class AwardListRefusal(Input):
    """Why a list is not approved."""

    reason: Reason = Field(examples=["第 12 行事由不清"])


class AwardListRead(BaseModel):
    """A list of awards; `granted_points` grows while it is posted."""

    award_list_id: Id
    title: str
    state: ListState
    row_count: int
    asked_points: int
    granted_rows: int
    granted_points: int
    refused_rows: int
    proposed_by: Id
    proposed_at: datetime
    decided_by: Id | None
    decided_at: datetime | None
    decision_reason: str | None
    public_notice_id: Id | None
    posted_at: datetime | None


class AwardListRowRead(BaseModel):
    """A row of a list, and what it gave; `refusal` says why it gave nothing."""

    row_number: int
    resident_id: Id
    masked_name: str
    rule_code: str
    rule_name: str
    units: int
    effort: Effort | None
    acted_at: datetime
    note: str
    contribution_id: Id | None
    granted_points: int | None
    refusal: str | None
