"""How a rule book states its procedure, categories, rules and campaigns."""

from datetime import date, time
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.core.calendar import Period
from app.core.schemas import Input
from app.ledger.point_policy.schemas import Days, Months
from app.rules.models import ArrivesOn, Direction, EarnedBy, Effort, Evidence, Mode

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
# Older books named categories freely.
CategoryCode = Annotated[str, StringConstraints(min_length=1, max_length=41)]
Points = Annotated[int, Field(ge=1, le=1_000_000)]
Weekday = Annotated[int, Field(ge=1, le=7)]
NOTICE_DAYS = 60
ALL_OF_THE_BASE = 100


Item = TypeVar("Item")


def _without_doubles(items: list[Item]) -> list[Item]:
    return list(dict.fromkeys(items))


class CapData(Input):
    """At most so many points or times in a period."""

    period: Period
    points: int | None = Field(None, ge=0)
    times: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.points is None and self.times is None:
            raise ValueError("a cap needs points, times or both")
        return self


class ExpiryData(Input):
    """When points of a rule lapse; as the community's policy has it, unless stated."""

    kind: Literal["community", "never", "months", "year_end"] = "community"
    months: Months | None = None
    grace_days: Days | None = None


class EffortPoints(Input):
    """Points by how much an act asked of somebody; more effort never gives less."""

    low: Points
    medium: Points
    high: Points

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low <= self.medium <= self.high:
            raise ValueError("more effort must not give fewer points")
        return self


class RuleCategoryData(Input):
    """A branch of the tree that rules are sorted into; `parent` is a code above it in the file."""

    code: CategoryCode
    name: Name
    parent: CategoryCode | None = None


class RuleData(Input):
    """A rule as a book states it; what is left out is as ordinary rules have it."""

    code: Code
    name: Name
    category: CategoryCode
    direction: Direction = Direction.EARN
    unit: Literal["time", "hour", "month", "piece"] = "time"
    points: Points
    max_units: Annotated[int, Field(ge=1, le=1000)] = 1
    caps: Annotated[list[CapData], Field(max_length=10)] = Field(default_factory=list)
    expiry: ExpiryData = ExpiryData()
    arrives_on: ArrivesOn = ArrivesOn.ACT
    earned_by: EarnedBy = EarnedBy.ACTOR
    effort: Effort | None = None
    points_by_effort: EffortPoints | None = None
    min_interval_minutes: Annotated[int, Field(ge=1, le=527_040)] | None = None
    audience: Annotated[list[Code], Field(max_length=20), AfterValidator(_without_doubles)] = Field(
        default_factory=list
    )
    mode: Mode = Mode.ANY
    is_claimable: bool = False
    review_level: Annotated[int, Field(ge=0, le=2)] = 1
    evidence: Annotated[list[Evidence], AfterValidator(_without_doubles)] = Field(
        default_factory=list
    )
    award_notice_days: Annotated[int, Field(ge=0, le=NOTICE_DAYS)] = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.is_claimable and self.direction is Direction.COST:
            raise ValueError("only a rule that gives points can be claimed")
        if self.arrives_on is not ArrivesOn.ACT and self.is_claimable:
            raise ValueError("only a rule whose points arrive with the act can be claimed")
        return self

    def stored(self) -> dict[str, Any]:
        """Return the columns of a rule version that say the same."""
        plain = self.model_dump(mode="json", exclude={"code", "caps", "expiry"})
        return plain | {
            "caps": [cap.model_dump(mode="json", exclude_none=True) for cap in self.caps],
            "expiry": self.expiry.model_dump(mode="json", exclude_none=True),
        }


class HoursData(Input):
    """A time of day, over midnight if `until` is not later than `from`."""

    begins: Annotated[time, Field(alias="from")]
    until: time


class CampaignData(Input):
    """A campaign as a book states it, from the start of one day to the end of another.

    Without days it is a proposal: a community opens it when the time has come.
    """

    code: Code
    name: Name
    rules: list[Code] = Field(default_factory=list)
    categories: list[CategoryCode] = Field(default_factory=list)
    percent: Annotated[int, Field(ge=100, le=1000)] = 100
    bonus_points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    starts_on: date | None = None
    ends_on: date | None = None
    hours: HoursData | None = None
    weekdays: Annotated[list[Weekday], AfterValidator(_without_doubles)] = Field(
        default_factory=list
    )
    audience: list[Code] = Field(default_factory=list)
    newcomer_days: Annotated[int, Field(ge=1, le=366)] | None = None
    per_person_points: Points | None = None
    budget_points: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.percent == ALL_OF_THE_BASE and self.bonus_points == 0:
            raise ValueError("a campaign must give more than the rules alone")
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError("a campaign cannot end before it starts")
        return self


class ProcedureData(Input):
    """How a community decides, in calendar days."""

    rule_notice_days: Annotated[int, Field(ge=1, le=90)] = 7
    hearing_days: Annotated[int, Field(ge=0, le=60)] = 3
    repair_days: Annotated[int, Field(ge=1, le=366)] = 30
    appeal_days: Annotated[int, Field(ge=1, le=366)] = 15
    appeal_answer_days: Annotated[int, Field(ge=1, le=90)] = 10
