"""What request bodies of all rooms have in common."""

from pydantic import BaseModel, ConfigDict


class Input(BaseModel):
    """A request body: a field we do not know is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
