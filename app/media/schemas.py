"""Photos as their senders see them, and what staff decide on."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.coordinates import Position, to_gcj02
from app.core.ids import Id
from app.core.schemas import Input
from app.media.images import Box
from app.media.models import CheckKind, CheckState

Fraction = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(gt=0, le=1)]


class PlaceRead(BaseModel):
    """Degrees on the map of the phone (`gcj02`) or of a satellite receiver (`wgs84`)."""

    latitude: float
    longitude: float


class SuggestedPlace(BaseModel):
    """Where the photo says it was taken: to be confirmed on the map, not to be believed."""

    gcj02: PlaceRead
    wgs84: PlaceRead

    @classmethod
    def at(cls, position: Position) -> Self:
        shown = to_gcj02(position)
        return cls(
            gcj02=PlaceRead(latitude=shown.latitude, longitude=shown.longitude),
            wgs84=PlaceRead(latitude=position.latitude, longitude=position.longitude),
        )


class PhotoRead(BaseModel):
    """A photo sent; others see it once its `state` is `passed`. `reason` says why it never will.

    `url` works for an hour, without a session, for whoever has it.
    """

    photo_id: Id
    width: int
    height: int
    state: CheckState
    reason: str | None
    taken_at: datetime | None
    suggested_place: SuggestedPlace | None
    url: str
    created_at: datetime


class PhotoDeleted(BaseModel):
    """The photo is gone; its files are destroyed within minutes."""

    photo_id: Id
    deleted_at: datetime


class ContentCheckRead(BaseModel):
    """A photo or text to decide on; `label` is WeChat's number for what it may be.

    `author` is a masked name, null for people of the staff.
    """

    content_check_id: Id
    kind: CheckKind
    state: CheckState
    text: str | None
    photo_url: str | None
    author: str | None
    is_own: bool
    label: int | None
    reason: str | None
    created_at: datetime


class RefuseContent(Input):
    """Why; the author reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class ContentDecision(BaseModel):
    """What was decided."""

    model_config = ConfigDict(from_attributes=True)

    content_check_id: Id
    state: CheckState
    reason: str | None
    decided_at: datetime


class RedactedBox(Input):
    """A rectangle to black out, in fractions of the picture from its upper left corner."""

    left: Fraction
    top: Fraction
    width: Length
    height: Length

    @model_validator(mode="after")
    def lies_inside(self) -> Self:
        self.box()
        return self

    def box(self) -> Box:
        return Box(self.left, self.top, self.width, self.height)


class RedactPhoto(Input):
    """What to black out."""

    boxes: Annotated[list[RedactedBox], Field(min_length=1, max_length=20)]


class PhotoRedacted(BaseModel):
    """The photo as everybody sees it from now on."""

    photo_id: Id
    url: str
    redacted_at: datetime


class ReadOriginal(Input):
    """What the original is needed for; the sender can read this."""

    purpose: Annotated[str, Field(min_length=2, max_length=200, examples=["核对打码是否正确"])]
