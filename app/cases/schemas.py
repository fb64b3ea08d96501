"""Cases, as reporters, neighbours and staff see them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.cases.models import CaseState, StatusKind
from app.core.ids import Id
from app.core.places import Place, PlaceInput
from app.core.schemas import Input

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]
Note = Annotated[str, StringConstraints(min_length=2, max_length=500)]
MOST_PHOTOS = 9


def _without_repeats(photo_ids: list[int]) -> list[int]:
    return list(dict.fromkeys(photo_ids))


PhotoIds = Annotated[list[Id], Field(max_length=MOST_PHOTOS), AfterValidator(_without_repeats)]


class CaseCreate(Input):
    """What is wrong, where, and the photos sent before; a position or a building must be there."""

    category_code: Code = Field(examples=["street_lamp"])
    description: Annotated[str, StringConstraints(min_length=5, max_length=1000)] = Field(
        examples=["3 号楼东侧路灯不亮，晚上看不清台阶"]
    )
    address: Annotated[str, StringConstraints(max_length=100)] = Field("", examples=["东门台阶"])
    position: PlaceInput | None = None
    building_id: Id | None = None
    photo_ids: Annotated[PhotoIds, Field(min_length=1)]


class CaseCreateForResident(CaseCreate):
    """A worker reports for a resident: by number, or by the code of their phone or paper card."""

    resident_id: Id | None = None
    resident_code: Annotated[str, StringConstraints(max_length=2000)] | None = None


class Refusal(Input):
    """Why; the reporter will read it."""

    reason: Reason


class Pause(Input):
    """Why the clock stands still; the reporter will read it."""

    reason: Reason = Field(examples=["等待配件，预计三天"])


class Progress(Input):
    """What was done, and (if the community has finer ones) the status it is in now."""

    note: Note = Field(examples=["已联系电工，今天下午到场"])
    status_code: Code | None = None


class Resolution(Input):
    """What was done, with photos of the result."""

    result: Note = Field(examples=["已更换灯泡并恢复照明"])
    photo_ids: PhotoIds = Field(default_factory=list)


class Duplicate(Input):
    """The case that this one repeats."""

    of_case_id: Id


class Route(Input):
    """Whose it is, and why."""

    grid_id: Id
    worker_id: Id | None = None
    reason: Reason


class Rating(Input):
    """It is fixed: how well, from 1 to 5."""

    rating: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", examples=["处理很快，谢谢"]
    )


class CategoryRead(BaseModel):
    """A branch of the category tree; `advice` is to be shown before one reports."""

    model_config = ConfigDict(from_attributes=True)

    category_id: Id
    parent_id: Id | None
    code: str
    name: str
    answer_hours: int
    resolve_hours: int
    advice: str | None


class CategoryList(BaseModel):
    """The whole tree, parents before children."""

    items: list[CategoryRead]
    next_cursor: None = None


class PhotoRead(BaseModel):
    """A photo of a case; the link holds for minutes. `state` tells if others see it yet."""

    photo_id: Id
    purpose: str
    url: str | None
    state: str


class CaseSummary(BaseModel):
    """A case as everybody may see it: checked texts and photos, place to about 100 m."""

    case_id: Id
    category_code: str
    category_name: str
    status_name: str
    kind: StatusKind
    grid_name: str
    description: str | None
    place: Place | None
    photos: list[PhotoRead]
    joined: int
    is_overdue: bool
    reported_at: datetime
    resolved_at: datetime | None
    result: str | None


class NearbyCase(CaseSummary):
    """An open case near a place, perhaps the one about to be reported; at least so far away."""

    distance_meters: int


class NearbyCases(BaseModel):
    """The nearest first, five at most."""

    items: list[NearbyCase]
    next_cursor: None = None


class CaseEventRead(BaseModel):
    """A line of a case's history."""

    model_config = ConfigDict(from_attributes=True)

    action: str
    status_name: str
    note: str | None
    created_at: datetime


class CaseRead(BaseModel):
    """A case in full, for who reported it."""

    case_id: Id
    category_code: str
    category_name: str
    state: CaseState
    status_code: str
    status_name: str
    kind: StatusKind
    grid_name: str
    building_name: str | None
    description: str
    address: str
    place: Place | None
    photos: list[PhotoRead]
    joined: int
    reported_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    due_at: datetime | None
    is_overdue: bool
    pause_reason: str | None
    result: str | None
    rating: int | None
    points_granted: int
    history: list[CaseEventRead]
    actions: list[str]


class FlagRead(BaseModel):
    """A photo that looks like another one: a hint, no verdict."""

    model_config = ConfigDict(from_attributes=True)

    photo_id: Id
    other_photo_id: Id
    other_case_id: Id | None
    distance: int


class StaffCaseRead(CaseRead):
    """A case in full, for who handles it; the reporter's name stays masked."""

    reporter_id: Id
    reporter_masked_name: str
    is_reported_by_staff: bool
    assigned_to: Id | None
    bounces: int
    escalations: int
    duplicate_of: Id | None
    flags: list[FlagRead]


class StaffCaseSummary(BaseModel):
    """A line of a worker's list."""

    case_id: Id
    category_name: str
    state: CaseState
    status_name: str
    grid_name: str
    description: str
    address: str
    joined: int
    reported_at: datetime
    due_at: datetime | None
    is_overdue: bool
    is_assigned_to_me: bool
    bounces: int


class CaseFiled(BaseModel):
    """A case as it was taken in, and the points that came at once."""

    case_id: Id
    state: CaseState
    status_name: str
    grid_name: str
    due_at: datetime
    points_gained: int
    is_capped: bool
    balance_points: int | None


class CaseMoved(BaseModel):
    """Where a case stands after an action; `points_taken` is what was taken back."""

    case_id: Id
    state: CaseState
    status_code: str
    status_name: str
    due_at: datetime | None
    points_given: int = 0
    points_taken: int = 0


class CaseJoined(BaseModel):
    """You have seen it too: how many have by now, and the points that came at once."""

    case_id: Id
    joined: int
    is_new: bool
    points_gained: int
