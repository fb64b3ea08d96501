"""Activities, codes and check-ins."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.activities.models import ActivityState
from app.core.calendar import Period
from app.core.coordinates import Position
from app.core.ids import Id
from app.core.places import Place, PlaceInput, on_map
from app.core.schemas import Input, Moment

Title = Annotated[str, StringConstraints(min_length=2, max_length=60)]
Scanned = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    Field(description="What the scanner returned: a bare token, a link, or wx.scanCode's path"),
]


def _on_map(place: object) -> object:
    return on_map(place) if isinstance(place, Position) else place


class ActivityCreate(Input):
    """An activity: when, where, and under which rule a check-in earns.

    Check-ins keep the `place`: two that nobody could have travelled between are shown to staff.
    """

    title: Title = Field(examples=["周末大扫除"])
    location: Annotated[str, StringConstraints(max_length=60)] = Field("", examples=["中心花园"])
    place: PlaceInput | None = None
    rule_code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")] = Field(
        examples=["weekend_clean_up"]
    )
    units: Annotated[int, Field(ge=1, le=24)] = 1
    grid_id: Id | None = None
    starts_at: Moment
    ends_at: Moment
    check_in_opens_at: Moment | None = Field(
        None, description="Half an hour before the start if left out"
    )
    check_in_closes_at: Moment | None = Field(None, description="The activity's end if left out")


class ActivityRead(BaseModel):
    """An activity."""

    model_config = ConfigDict(from_attributes=True)

    activity_id: Id
    title: str
    location: str
    place: Annotated[Place | None, BeforeValidator(_on_map)]
    units: int
    grid_id: Id | None
    starts_at: datetime
    ends_at: datetime
    check_in_opens_at: datetime
    check_in_closes_at: datetime
    state: ActivityState


class CodeForm(StrEnum):
    """Printed once for the whole activity, or fresh every few seconds on a screen."""

    POSTER = "poster"
    ROTATING = "rotating"


class CodeRead(BaseModel):
    """A code to show: the token for our own scanners, the link for WeChat's.

    The same address with `.png` or `.svg` behind it answers with the picture.
    """

    token: str
    link: str
    expires_at: datetime
    refresh_in_seconds: int | None


class CodeRevoked(BaseModel):
    """A code that is refused from now on."""

    revoked: bool


class ScanActivity(Input):
    """A resident scanned an activity's code."""

    code: Scanned


class ScanResident(Input):
    """A worker scanned a resident's code at an activity."""

    activity_id: Id
    code: Scanned


class RankChange(BaseModel):
    """The rank after this award, and how many places it gained."""

    period: Period
    rank: int
    places_gained: int


class CheckInRead(BaseModel):
    """A check-in. `is_new` is false when it was there already: then nothing was added now.

    `points_gained` may be less than the activity's worth when a cap is reached.
    """

    contribution_id: Id
    resident_id: Id
    masked_name: str
    title: str
    is_new: bool
    points_gained: int
    is_capped: bool
    balance_points: int
    rank: RankChange
