"""Gifts."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.core.ids import Id
from app.core.schemas import Input
from app.ledger.schemas import BalanceRead

MOST_POINTS = 1_000_000


class Greeting(StrEnum):
    """What the giver says along with the points."""

    THANKS = "thanks"
    WELL_DONE = "well_done"
    GET_WELL = "get_well"
    HAPPY_FESTIVAL = "happy_festival"


class GiftCreate(Input):
    """Points for a neighbour, who shows a personal code or a paper card."""

    code: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2000),
        Field(description="What the scanner returned: a bare token, a link, or wx.scanCode's path"),
    ]
    points: Annotated[int, Field(strict=True, ge=1, le=MOST_POINTS)] = Field(examples=[10])
    greeting: Greeting | None = None


class GiftRead(BaseModel):
    """A gift; `balance` is the giver's, right after it."""

    transfer_id: Id
    points: int
    receiver_masked_name: str
    left_points: int = Field(description="How many more points may be given this month")
    balance: BalanceRead
