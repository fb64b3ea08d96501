"""Photos as evidence."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.core.ids import Id
from app.media.models import CheckState

MOST_PHOTOS = 9


def _without_repeats(photo_ids: list[int]) -> list[int]:
    return list(dict.fromkeys(photo_ids))


PhotoIds = Annotated[list[Id], Field(max_length=MOST_PHOTOS), AfterValidator(_without_repeats)]


class EvidencePhotoRead(BaseModel):
    """A photo that stands behind something; the link holds for minutes."""

    photo_id: Id
    url: str
    state: CheckState
