"""Changes of rules: what is proposed, and how it is told."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.ids import Id
from app.core.schemas import Input
from app.rules.book.schemas import Code, ProcedureData, RuleData
from app.rules.models import ChangeState

MOST_RULES = 200
Reason = Annotated[str, StringConstraints(min_length=2, max_length=1000)]
# Further on no calendar of ours goes; nobody decides rules that far ahead.
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]


class ChangeKind(StrEnum):
    """What happens to a rule, or that the procedure changes."""

    NEW = "new"
    CHANGE = "change"
    END = "end"
    PROCEDURE = "procedure"


class ChangeData(Input):
    """One rule, and what it shall say; a rule that ends says nothing. `terms.code` may be left out.

    Terms are whole: what is left out of them is as ordinary rules have it, not as it was.
    """

    kind: Literal[ChangeKind.NEW, ChangeKind.CHANGE, ChangeKind.END] = Field(
        json_schema_extra={"examples": ["change"]}
    )
    code: Code
    terms: RuleData | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_terms(cls, stated: Any) -> Any:
        terms = stated.get("terms") if isinstance(stated, dict) else None
        if isinstance(terms, dict) and "code" not in terms:
            return stated | {"terms": terms | {"code": stated.get("code")}}
        return stated

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.terms is None) != (self.kind is ChangeKind.END):
            raise PydanticCustomError("change_terms", "terms belong to a rule that does not end")
        if self.terms is not None and self.terms.code != self.code:
            raise PydanticCustomError("change_code", "a rule keeps its code")
        return self


class ProcedureChange(Input):
    """How long notice, hearing, repair, appeal and its answer shall last, from the adoption on.

    Terms are whole: what is left out of them is as in ordinary communities, not as it was.
    """

    kind: Literal[ChangeKind.PROCEDURE]
    code: Literal["procedure"] = "procedure"
    terms: ProcedureData


AnyChange = ChangeData | ProcedureChange


class RuleChangeCreate(Input):
    """Rules to be made, changed or ended together, from a day on; also the procedure, once.

    The notice lasts as long as the community's procedure says, or longer if asked.
    """

    title: Annotated[str, StringConstraints(min_length=2, max_length=60)] = Field(
        examples=["提高志愿服务每日上限"]
    )
    reason: Reason = Field(examples=["周末值守常常超过 8 小时"])
    effective_on: Day
    notice_days: Annotated[int, Field(ge=1, le=90)] | None = None
    changes: Annotated[
        list[Annotated[AnyChange, Field(discriminator="kind")]],
        Field(min_length=1, max_length=MOST_RULES + 1),
    ]


class Adoption(Input):
    """From when on, if not as proposed; only a later day will do."""

    effective_on: Day | None = None


class Rejection(Input):
    """Why; everybody will read it."""

    reason: Reason = Field(examples=["异议成立，需重新测算"])


class DifferenceRead(BaseModel):
    """A field of a rule before and after; null where there was no rule, or will be none."""

    field: str
    before: Any
    after: Any


class ChangeRead(BaseModel):
    """What happens to one rule, or to the procedure: field by field, and in Chinese sentences."""

    kind: ChangeKind
    code: str
    name: str
    based_on: int | None
    sentence_before: str | None
    sentence_after: str | None
    differences: list[DifferenceRead]


class RuleChangeSummary(BaseModel):
    """A change of rules without its details; `is_own` if the caller has proposed it.

    Rules begin at `effective_from`; the procedure, which `rule_codes` does not name, holds from
    `decided_at` on.
    """

    rule_change_id: Id
    title: str
    state: ChangeState
    notice_id: Id
    notice_until: datetime
    effective_from: datetime
    rule_codes: list[str]
    is_own: bool
    proposed_at: datetime
    decided_at: datetime | None


class RuleChangeRead(RuleChangeSummary):
    """A change of rules, and what became of it."""

    reason: str
    decision_reason: str | None
    changes: list[ChangeRead]
