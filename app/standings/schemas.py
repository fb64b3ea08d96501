"""What boards look like to callers."""

from datetime import date
from enum import StrEnum

from pydantic import BaseModel

from app.core.calendar import Period
from app.core.ids import Id


class BoardPeriod(StrEnum):
    """The periods that have a board."""

    WEEK = "week"
    MONTH = "month"
    ALL = "all"


class BoardLine(BaseModel):
    """One resident on a board, as everybody may see them."""

    rank: int
    resident_id: Id
    masked_name: str
    building_name: str
    points: int
    is_me: bool


class Board(BaseModel):
    """A page of a board; lines with equal points share a rank."""

    period: Period
    starts_on: date
    items: list[BoardLine]
    next_cursor: str | None


class BuildingLine(BaseModel):
    """A building and what its residents earned together; active ones earned anything at all."""

    rank: int
    building_id: Id
    name: str
    points: int
    active_residents: int


class BuildingBoard(BaseModel):
    """All buildings of the community, best first."""

    period: Period
    starts_on: date
    items: list[BuildingLine]
    next_cursor: None = None


class Place(BaseModel):
    """Where a resident stands in a period."""

    period: Period
    starts_on: date
    points: int
    rank: int


class MyPlace(Place):
    """Where I stand, with the neighbours just ahead of and behind me."""

    ahead: list[BoardLine]
    behind: list[BoardLine]
    points_to_next: int | None
