"""Lines of a statement, what to choose among them, and the sums of months."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import Id
from app.ledger.models import AccountKind, TransferKind

# Within what the database and the numbers of transfers can carry.
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]


class OwnAccount(StrEnum):
    """Which of a resident's accounts."""

    WALLET = "wallet"
    SAVINGS = "savings"


class Direction(StrEnum):
    """Whether points came or went."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of which account; days are local, `last` is included."""

    account: OwnAccount
    kinds: list[TransferKind] | None
    direction: Direction | None
    first: date | None
    last: date | None


class StatementLine(BaseModel):
    """One transfer as its owner sees it: positive in, negative out.

    `balance_points` is what the account held after it. `counterparty` is what kind of account
    the points came from or went to; whose it was stays untold.
    """

    model_config = ConfigDict(from_attributes=True)

    transfer_id: Id
    kind: TransferKind
    points: int
    balance_points: int
    counterparty: AccountKind
    memo: str
    reverses_transfer_id: Id | None
    occurred_at: datetime
    posted_at: datetime


class StatementMonth(BaseModel):
    """A local month by its first day: what came, what went, what the account held at its end."""

    model_config = ConfigDict(from_attributes=True)

    month: date
    in_points: int
    out_points: int
    balance_points: int


class StatementMonths(BaseModel):
    """Months, newest first, back to the one in which the account was opened."""

    items: list[StatementMonth]
    next_cursor: None = None


@dataclass(frozen=True, slots=True)
class PeriodLine:
    """A line of a period; `points` as in StatementLine."""

    kind: TransferKind
    points: int
    balance_points: int
    memo: str
    posted_at: datetime
    transfer_id: int


@dataclass(frozen=True, slots=True)
class PeriodStatement:
    """Every line of a period, oldest first, and what the account held before and after it."""

    opening_points: int
    closing_points: int
    lines: list[PeriodLine]
