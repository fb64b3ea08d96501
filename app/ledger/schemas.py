"""Balances and statements."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.core.ids import Id
from app.ledger.models import TransferKind


class BalanceRead(BaseModel):
    """A wallet: `available` may be spent; held points wait for a voucher to be used."""

    model_config = ConfigDict(from_attributes=True)

    posted_points: int
    held_points: int
    available_points: int
    debt_points: int


class StatementLine(BaseModel):
    """One transfer as its owner sees it: positive in, negative out."""

    model_config = ConfigDict(from_attributes=True)

    transfer_id: Id
    kind: TransferKind
    points: int
    memo: str
    occurred_at: datetime
    posted_at: datetime
