"""Communities and joining them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.community.models import JoinState
from app.core.access import Role
from app.core.ids import Id
from app.core.schemas import Input

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=30)]


class JoinRequestCreate(Input):
    """Who asks to join, and where they live."""

    community_id: Id
    display_name: PersonName = Field(examples=["王小四"])
    building_id: Id
    room: Annotated[str, StringConstraints(min_length=1, max_length=20)] = Field(examples=["1-302"])


class JoinDecision(Input):
    """Why a request was refused."""

    reason: Annotated[str, StringConstraints(min_length=2, max_length=200)]


class JoinRequestRead(BaseModel):
    """A request to join and where it stands."""

    model_config = ConfigDict(from_attributes=True)

    join_request_id: Id
    community_id: Id
    display_name: str
    building_id: Id
    room: str
    state: JoinState
    asked_at: datetime
    decided_at: datetime | None
    reason: str | None


class BuildingRead(BaseModel):
    """A building one can live in."""

    model_config = ConfigDict(from_attributes=True)

    building_id: Id
    name: str
    grid_name: str


class CommunityRead(BaseModel):
    """A community, as anybody may see it."""

    community_id: Id
    name: str
    timezone: str
    residents: int
    buildings: list[BuildingRead]


class CommunitySummary(BaseModel):
    """A community one may ask to join."""

    model_config = ConfigDict(from_attributes=True)

    community_id: Id
    name: str


class CommunityList(BaseModel):
    """All communities of this service."""

    items: list[CommunitySummary]
    next_cursor: None = None


class ResidentRead(BaseModel):
    """A resident, as staff see them when they look for somebody."""

    model_config = ConfigDict(from_attributes=True)

    resident_id: Id
    display_name: str
    building_name: str
    room: str


class Me(BaseModel):
    """Who I am here."""

    resident_id: Id
    display_name: str
    masked_name: str
    building_name: str
    room: str
    community_id: Id
    community_name: str
    timezone: str
    roles: list[Role]
    joined_at: datetime
