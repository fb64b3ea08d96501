"""Balances."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Lapse(BaseModel):
    """So many points lapse together at this moment, unless they are used before."""

    model_config = ConfigDict(from_attributes=True)

    points: int
    lapses_at: datetime

    @classmethod
    def of(cls, points: int | None, lapses_at: datetime | None) -> "Lapse | None":
        """Return a lapse, or None where nothing has a date."""
        if points is None or lapses_at is None:
            return None
        return cls(points=points, lapses_at=lapses_at)


class BalanceRead(BaseModel):
    """A wallet: `available` may be spent; held points wait for a voucher to be used.

    Savings lie beside the wallet; `next_lapse` is what it loses first, if nothing is spent.
    """

    model_config = ConfigDict(from_attributes=True)

    posted_points: int
    held_points: int
    available_points: int
    debt_points: int
    savings_points: int
    next_lapse: Lapse | None
