"""Who gets a piece: pure, given what the database said under lock.

Redemptions are taken in order of arrival. What one takes is gone for the next, so neither points
nor limits nor stock are passed within a batch; between batches the locks see to that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core.problems import Problem
from app.ledger.errors import InsufficientPoints
from app.rewards.errors import LimitReached, OutOfStock


class Wish(NamedTuple):
    """One piece of a reward for a resident; `per_resident_limit` empty means no limit."""

    resident_id: int
    reward_id: int
    price_points: int
    per_resident_limit: int | None


class Left(NamedTuple):
    """What was left when a wish's turn came to be locked; empty pieces: no end to them."""

    available_points: int
    pieces: int | None
    redeemed: int


@dataclass(slots=True)
class Remains:
    """What is still left while a batch is served."""

    _points: dict[int, int] = field(default_factory=dict)
    _pieces: dict[int, int | None] = field(default_factory=dict)
    _redeemed: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, wishes: Iterable[tuple[Wish, Left]]) -> "Remains":
        remains = cls()
        for wish, left in wishes:
            remains._points[wish.resident_id] = left.available_points
            remains._pieces[wish.reward_id] = left.pieces
            remains._redeemed[wish.resident_id, wish.reward_id] = left.redeemed
        return remains

    def take(self, wish: Wish) -> Problem | None:
        """Take what is wished for; or take nothing and return what stands in the way."""
        points = self._points[wish.resident_id]
        redeemed = self._redeemed[wish.resident_id, wish.reward_id]
        pieces = self._pieces[wish.reward_id]
        if points < wish.price_points:
            return InsufficientPoints(available_points=points, needed_points=wish.price_points)
        if wish.per_resident_limit is not None and redeemed >= wish.per_resident_limit:
            return LimitReached(per_resident_limit=wish.per_resident_limit)
        if pieces == 0:
            return OutOfStock()
        self._points[wish.resident_id] = points - wish.price_points
        self._redeemed[wish.resident_id, wish.reward_id] = redeemed + 1
        if pieces is not None:
            self._pieces[wish.reward_id] = pieces - 1
        return None
