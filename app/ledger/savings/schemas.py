"""The points bank, as its owner sees it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.core.ids import Id
from app.core.schemas import Input
from app.ledger.schemas import BalanceRead, Lapse

MOST_POINTS = 1_000_000


class SavingsMove(Input):
    """How many points to put aside, or to take out again."""

    points: Annotated[int, Field(strict=True, ge=1, le=MOST_POINTS)] = Field(examples=[50])


class SavingsMoved(BaseModel):
    """Points put aside or taken out; `balance` is the wallet's, with the new savings in it."""

    transfer_id: Id
    points: int
    balance: BalanceRead


class SavingsRead(BaseModel):
    """What is saved, and by which terms.

    `is_on` says whether more may be put aside, `opened_at` when something was for the first
    time. Exempt points do not lapse; others keep their date, as `next_lapse` says.
    """

    points: int
    opened_at: datetime | None
    next_lapse: Lapse | None
    is_on: bool
    is_exempt: bool
    withdrawal_days: int
