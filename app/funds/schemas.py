"""Funds and donations."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.ids import Id
from app.core.schemas import Input
from app.funds.models import FundState
from app.ledger.schemas import BalanceRead

MOST_POINTS = 1_000_000

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Name = Annotated[str, StringConstraints(min_length=2, max_length=40)]
Description = Annotated[str, StringConstraints(max_length=500)]


class FundCreate(Input):
    """A new fund; its code stays, all else may change."""

    code: Code = Field(examples=["elder_meals"])
    name: Name = Field(examples=["独居老人助餐基金"])
    description: Description = Field("", examples=["为社区独居老人提供午餐。"])


class FundUpdate(Input):
    """What a fund is from now on; a closed one keeps its points and may be opened again."""

    name: Name = Field(examples=["独居老人助餐基金"])
    description: Description = Field(examples=["为社区独居老人提供午餐。"])
    state: FundState


class FundSummary(BaseModel):
    """A fund in the list; `points` is what it holds."""

    model_config = ConfigDict(from_attributes=True)

    fund_id: Id
    code: str
    name: str
    description: str
    state: FundState
    points: int
    created_at: datetime


class FundRead(FundSummary):
    """A fund's page: what it was given in all, and by how many residents."""

    donated_points: int
    donor_count: int


class DonationCreate(Input):
    """How many points to give; they cannot be taken back."""

    points: Annotated[int, Field(strict=True, ge=1, le=MOST_POINTS)] = Field(examples=[20])


class DonationRead(BaseModel):
    """A donation; `balance` is the donor's and `fund_points` the fund's, right after it."""

    transfer_id: Id
    fund_id: Id
    points: int
    balance: BalanceRead
    fund_points: int
