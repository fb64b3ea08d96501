"""How a rule book states its procedure, categories, rules and campaigns."""

from datetime import date, time
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.core.calendar import Period
from app.core.schemas import Input
from app.ledger.point_policy.schemas import Days, Months
from app.rules.models import ArrivesOn, Direction, EarnedBy, Effort, Evidence, Mode

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
# One line of text: nothing that a screen or a database cannot show.
_SHOWN = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_SHOWN)]
# Older books named categories freely.
CategoryCode = Annotated[str, StringConstraints(min_length=1, max_length=41, pattern=_SHOWN)]
Points = Annotated[int, Field(ge=1, le=1_000_000)]
Weekday = Annotated[int, Field(ge=1, le=7)]
NOTICE_DAYS = 60
MOST_RULES = 200
MOST_BYTES = 256 * 1024
ALL_OF_THE_BASE = 100


Item = TypeVar("Item")


def _without_doubles(items: list[Item]) -> list[Item]:
    return list(dict.fromkeys(items))


class CapData(Input):
    """At most so many points or times in a period."""

    period: Period
    points: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    times: Annotated[int, Field(ge=0, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.points is None and self.times is None:
            raise PydanticCustomError("cap_limits_nothing", "a cap needs points, times or both")
        return self


class ExpiryData(Input):
    """When points of a rule lapse; as the community's policy has it, unless stated."""

    kind: Literal["community", "never", "months", "year_end"] = Field(
        "community", examples=["months"]
    )
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
            raise PydanticCustomError("effort_gives_less", "more effort must not give fewer points")
        return self


class RuleCategoryData(Input):
    """A branch of the tree that rules are sorted into; `parent` is a code above it in the file."""

    code: CategoryCode
    name: Name
    parent: CategoryCode | None = None


class RuleData(Input):
    """A rule as a book states it; what is left out is as ordinary rules have it."""

    code: Code
    name: Name = Field(examples=["志愿服务"])
    category: CategoryCode = Field(examples=["helping"])
    direction: Direction = Direction.EARN
    unit: Literal["time", "hour", "month", "piece"] = Field("time", examples=["hour"])
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
    evidence: Annotated[list[Evidence], Field(max_length=10), AfterValidator(_without_doubles)] = (
        Field(default_factory=list)
    )
    award_notice_days: Annotated[int, Field(ge=0, le=NOTICE_DAYS)] = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.is_claimable and self.direction is Direction.COST:
            raise PydanticCustomError(
                "cost_claimed", "only a rule that gives points can be claimed"
            )
        if self.arrives_on is not ArrivesOn.ACT and self.is_claimable:
            raise PydanticCustomError(
                "step_claimed", "only a rule whose points arrive with the act can be claimed"
            )
        # Nobody is there to say how much effort it was where a machine awards.
        is_by_machine = self.arrives_on is not ArrivesOn.ACT or self.unit == "month"
        if self.points_by_effort is not None and is_by_machine:
            raise PydanticCustomError(
                "effort_untold", "points cannot go by effort where nobody states the effort"
            )
        return self

    def stored(self) -> dict[str, Any]:
        """Return the columns of a rule version that say the same."""
        plain = self.model_dump(mode="json", exclude={"code", "caps", "expiry"})
        return plain | {
            "caps": [cap.model_dump(mode="json", exclude_none=True) for cap in self.caps],
            "expiry": self.expiry.model_dump(mode="json", exclude_none=True),
        }


class HoursData(Input):
    """A time of day to the minute, over midnight if `until` is earlier than `from`."""

    begins: Annotated[time, Field(alias="from")]
    until: time

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.begins == self.until:
            raise PydanticCustomError("hours_empty", "hours need two different times")
        if any(
            moment != moment.replace(second=0, microsecond=0, tzinfo=None)
            for moment in (self.begins, self.until)
        ):
            raise PydanticCustomError(
                "hours_too_exact", "hours go by the minute and the community's own clock"
            )
        return self


class CampaignData(Input):
    """A campaign as a book states it, from the start of one day to the end of another.

    Without days it is a proposal: a community opens it when the time has come.
    """

    code: Code
    name: Name = Field(json_schema_extra={"examples": ["平安月双倍积分"]})
    rules: Annotated[list[Code], Field(max_length=200)] = Field(default_factory=list)
    categories: Annotated[list[CategoryCode], Field(max_length=100)] = Field(default_factory=list)
    percent: Annotated[int, Field(ge=100, le=1000)] = 100
    bonus_points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    starts_on: date | None = None
    ends_on: date | None = None
    hours: HoursData | None = None
    weekdays: Annotated[list[Weekday], Field(max_length=7), AfterValidator(_without_doubles)] = (
        Field(default_factory=list)
    )
    audience: Annotated[list[Code], Field(max_length=20)] = Field(default_factory=list)
    newcomer_days: Annotated[int, Field(ge=1, le=366)] | None = None
    per_person_points: Points | None = None
    budget_points: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.percent == ALL_OF_THE_BASE and self.bonus_points == 0:
            raise PydanticCustomError(
                "campaign_gives_nothing", "a campaign must give more than the rules alone"
            )
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise PydanticCustomError(
                "campaign_ends_first", "a campaign cannot end before it starts"
            )
        return self


class ProcedureData(Input):
    """How a community decides, in calendar days."""

    rule_notice_days: Annotated[int, Field(ge=1, le=90)] = 7
    hearing_days: Annotated[int, Field(ge=0, le=60)] = 3
    repair_days: Annotated[int, Field(ge=1, le=366)] = 30
    appeal_days: Annotated[int, Field(ge=1, le=366)] = 15
    appeal_answer_days: Annotated[int, Field(ge=1, le=90)] = 10


class RuleBookData(Input):
    """A whole rule book. A procedure that is left out stays as it is."""

    procedure: ProcedureData | None = None
    rule_categories: list[RuleCategoryData] = Field(default_factory=list)
    rules: Annotated[list[RuleData], Field(min_length=1, max_length=MOST_RULES)]
    campaigns: list[CampaignData] = Field(default_factory=list)


def _within_limit(text: str) -> str:
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise PydanticCustomError("book_too_long", "a rule book has at most 256 kB")
    return text


BookText = Annotated[str, StringConstraints(max_length=MOST_BYTES), AfterValidator(_within_limit)]


class RuleBookText(Input):
    """A rule book as its file says it."""

    toml: BookText = Field(examples=['[[rules]]\ncode = "survey"\n…'])


class RuleBookProposal(RuleBookText):
    """A rule book to be put to public notice, why, and the day it should begin."""

    title: Annotated[str, StringConstraints(min_length=2, max_length=60)] = Field(
        examples=["2027 年积分规则书"]
    )
    reason: Annotated[str, StringConstraints(min_length=2, max_length=1000)] = Field(
        examples=["居民议事会讨论通过"]
    )
    effective_on: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
    notice_days: Annotated[int, Field(ge=1, le=90)] | None = None


class RuleBookExport(BaseModel):
    """The rule book in force, as a file."""

    toml: str


class BookMistake(BaseModel):
    """A mistake in a file: its line, the entry (`rules 3 "patrol"`) and the field of it."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    entry: str
    field: str
    message_en: str
    message_zh: str


class BookFieldChange(BaseModel):
    """A field that says something else, as a book writes it."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    before: Any
    after: Any


class BookDifference(BaseModel):
    """An entry that is new, changed or ended; `part` is the table it stands in."""

    model_config = ConfigDict(from_attributes=True)

    part: Literal["procedure", "rule_categories", "rules", "campaigns"]
    kind: Literal["new", "change", "end"]
    code: str
    fields: list[BookFieldChange]


class RuleBookCheck(BaseModel):
    """What is wrong with a book; where nothing is, what it would change.

    Only the procedure, rules, and categories that are new are part of a proposal; `not_proposed`
    is what else differs and is set elsewhere.
    """

    mistakes: list[BookMistake]
    proposed: list[BookDifference]
    not_proposed: list[BookDifference]
