"""What request bodies of all rooms have in common."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

# A time that somebody states: within what codes, time zones and the database can carry.
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC)),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
]


class Input(BaseModel):
    """A request body: a field we do not know is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
