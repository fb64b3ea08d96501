"""Campaigns, as the committee opens them and as everybody reads them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.ids import Id
from app.core.schemas import Input, Moment
from app.rules.book.schemas import CampaignData


def _without_doubles(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


class CampaignCreate(CampaignData):
    """A campaign with its days; `grid_ids` limits it to residents of these grids."""

    grid_ids: Annotated[list[Id], Field(max_length=100), AfterValidator(_without_doubles)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.starts_on is None or self.ends_on is None:
            raise PydanticCustomError("campaign_days", "a campaign needs its first and last day")
        return self


class CampaignEnding(Input):
    """When it ends; now, if left out."""

    ends_at: Moment | None = None


class CampaignRead(BaseModel):
    """A campaign; `sentence` says all of it in Chinese. Empty lists mean everything, everybody."""

    campaign_id: Id
    code: str
    name: str
    sentence: str = Field(
        examples=["夜间巡逻双倍：2026 年 12 月 1 日至 12 月 31 日，“夜间巡逻”，按 2 倍计分"]
    )
    rules: list[str]
    categories: list[str]
    percent: int
    bonus_points: int
    starts_at: datetime
    ends_at: datetime
    is_running: bool
    hours: dict[str, str] | None
    weekdays: list[int]
    grid_ids: list[Id]
    audience: list[str]
    newcomer_days: int | None
    per_person_points: int | None
    budget_points: int | None


class CampaignList(BaseModel):
    """The campaigns that run or are coming, in one list."""

    items: list[CampaignRead]
    next_cursor: None = None


class CampaignUsageRead(BaseModel):
    """What a campaign has given so far.

    It is counted where the campaign has a limit; `left_points` is what its budget has left.
    """

    campaign_id: Id
    is_counted: bool
    given_points: int | None
    residents: int | None
    budget_points: int | None
    left_points: int | None
