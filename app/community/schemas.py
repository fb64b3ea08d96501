"""Communities and joining them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.community.models import JoinState
from app.core.access import Role
from app.core.coordinates import CoordinateSystem
from app.core.ids import Id
from app.core.schemas import Input

# Sealed before the database sees it, which else would refuse a null character.
PersonName = Annotated[
    str, StringConstraints(min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f]+$")
]

Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, examples=[120.1551])]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, examples=[30.2741])]


def _closed(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if ring[0] != ring[-1]:
        raise ValueError("a ring ends where it began")
    return ring


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
    """A request to join and where it stands.

    `claims_resident_id` is the resident whose paper card was scanned; the name is gone once
    the account has been closed.
    """

    join_request_id: Id
    community_id: Id
    claims_resident_id: Id | None
    display_name: str | None
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


class GridRead(BaseModel):
    """A grid of the community."""

    model_config = ConfigDict(from_attributes=True)

    grid_id: Id
    name: str


class Boundary(Input):
    """The outline of a grid: a closed ring of [longitude, latitude], as GeoJSON has them."""

    ring: Annotated[
        list[tuple[Longitude, Latitude]],
        Field(min_length=4, max_length=500),
        AfterValidator(_closed),
    ]
    coordinate_system: CoordinateSystem


class BoundaryRead(GridRead):
    """A grid with its outline, in WGS-84 whatever it was drawn in."""

    ring: list[tuple[float, float]]


class CommunityRead(BaseModel):
    """A community, as anybody may see it."""

    community_id: Id
    name: str
    timezone: str
    residents: int
    grids: list[GridRead]
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


class Me(BaseModel):
    """Who I am here; `audience` are the groups I belong to, as staff have entered them."""

    resident_id: Id
    display_name: str
    masked_name: str
    masked_phone: str | None
    building_name: str
    room: str
    community_id: Id
    community_name: str
    timezone: str
    audience: list[str]
    roles: list[Role]
    joined_at: datetime
