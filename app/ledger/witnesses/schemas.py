"""Countersignatures as they come and as they are kept."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.schemas import Input

# A name of a few hundred characters, and 104 of signature.
LONGEST_LINE = 512
EXAMPLE_LINE = "— witness.example.cn " + "A" * 104


class CosignatureCreate(Input):
    """A line as it stands under a checkpoint: `— name base64` (C2SP tlog-cosignature, v1)."""

    line: Annotated[str, Field(max_length=LONGEST_LINE)] = Field(examples=[EXAMPLE_LINE])


class CosignatureRead(BaseModel):
    """The line that is kept, the witness's name, and when it says to have signed."""

    model_config = ConfigDict(from_attributes=True)

    witness: str
    line: str
    signed_at: datetime
