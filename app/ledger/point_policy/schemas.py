"""What a point policy says, as stored, stated and shown."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from app.core.schemas import Input

Months = Annotated[int, Field(ge=1, le=120)]
Days = Annotated[int, Field(ge=0, le=366)]


def _furthest_first(days: list[int]) -> list[int]:
    return sorted(set(days), reverse=True)


NoticeDays = Annotated[
    list[Annotated[int, Field(ge=1, le=90)]], Field(max_length=4), AfterValidator(_furthest_first)
]


class PolicyExpiry(Input):
    """When points lapse: never, after months, or at the end of the year and some days.

    `months` goes with "months" and is asked for there; `grace_days` goes with "year_end".
    """

    kind: Literal["never", "months", "year_end"] = Field("never", examples=["year_end"])
    months: Months | None = Field(None, validate_default=True)
    grace_days: Days | None = Field(None, validate_default=True)

    @field_validator("months")
    @classmethod
    def _months_of_months(cls, months: int | None, stated: ValidationInfo) -> int | None:
        if (months is not None) != (stated.data.get("kind") == "months"):
            raise ValueError('goes with the kind "months", which needs it')
        return months

    @field_validator("grace_days")
    @classmethod
    def _grace_after_the_year(cls, grace_days: int | None, stated: ValidationInfo) -> int | None:
        if stated.data.get("kind") == "year_end":
            return grace_days or 0
        if grace_days is not None:
            raise ValueError('goes with the kind "year_end" only')
        return None


class PolicyDecay(Input):
    """What has lain unused for so many months, none of which saw a point used, is cut."""

    months: Months = 12
    percent: Annotated[int, Field(ge=1, le=100)] = 50


class PolicySavings(Input):
    """The points bank: saved points do not lapse, or do as before.

    What is withdrawn gets its own date back; where that is nearer or past, so many days to be
    used.
    """

    is_exempt: bool = True
    withdrawal_days: Days = 30


class PolicyGifts(Input):
    """Residents may give points to each other, at most so many in a calendar month."""

    max_points_per_month: Annotated[int, Field(ge=1, le=10_000)]


class PolicyTerms(Input):
    """A whole policy; decay, savings and gifts are off where they are left out.

    `lowest_points` is how far below zero a deduction may bring a wallet. Residents are told of
    points that will lapse or be cut each of `notice_days` ahead; the furthest comes first.
    """

    model_config = ConfigDict(from_attributes=True)

    expiry: PolicyExpiry = PolicyExpiry()
    decay: PolicyDecay | None = None
    savings: PolicySavings | None = None
    gifts: PolicyGifts | None = None
    lowest_points: Annotated[int, Field(ge=-10_000, le=0)] = 0
    notice_days: NoticeDays = Field(default_factory=lambda: [30, 7])


class PointPolicyRead(BaseModel):
    """The policy in force.

    `expiry_since` and `decay_since` are set where that part was switched on, or changed, after
    points had been given: it counts from then, and a full period later at the earliest.
    """

    model_config = ConfigDict(from_attributes=True)

    version: int
    expiry: PolicyExpiry
    expiry_since: datetime | None
    decay: PolicyDecay | None
    decay_since: datetime | None
    savings: PolicySavings | None
    gifts: PolicyGifts | None
    lowest_points: int
    notice_days: list[int]
    published_at: datetime
