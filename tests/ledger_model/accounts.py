"""What the model remembers: accounts with their lots, holds, transfers. Plain lists, no database.

Numbers that only the service knows (of what its jobs post, and of lots made of other lots) are
None until they are read from its book: they decide ties between lots that lapse together, which
is all that the model takes over from it.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

NEVER = datetime.max.replace(tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))  # no summer time there
GRACE = 30  # days for points that come back too late to be used, or out of savings
WAYS_BACK = ("deduction", "spend", "expiry", "decay")


@dataclass(frozen=True, slots=True)
class Policy:
    """A community's policy: months until points lapse, months until they halve, by how much."""

    lapse_months: int | None
    lapse_since: datetime | None
    decay_months: int | None  # None: nothing decays
    decay_percent: int
    decay_since: datetime | None
    is_saving_exempt: bool


@dataclass(eq=False, slots=True)
class Transfer:
    """Points that moved, and the lots they came out of; `asked_back` is for awards taken back."""

    kind: str
    debit: int
    credit: int
    points: int
    number: int | None = None
    shares: "list[Share]" = field(default_factory=list)
    reverses: "Transfer | None" = None
    reversed_points: int = 0
    asked_back: int = 0

    @property
    def left(self) -> int:
        return self.points - self.reversed_points


@dataclass(eq=False, slots=True)
class Lot:
    """Points that arrived together; `origin` is the first lot that they were part of."""

    account: int
    transfer: Transfer
    granted: int
    remaining: int
    earned_at: datetime
    expires_at: datetime
    follows_policy: bool = False
    origin: "Lot | None" = None
    number: int | None = None
    held: int = 0

    @property
    def free(self) -> int:
        return self.remaining - self.held

    @property
    def root(self) -> "Lot":
        return self.origin or self

    @property
    def spending_order(self) -> tuple[datetime, int]:
        return self.expires_at, self.number or 0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a lot."""

    lot: Lot
    points: int


@dataclass(eq=False, slots=True)
class Hold:
    """Points promised until a date, and where they are pinned."""

    number: int
    account: int
    points: int
    expires_at: datetime
    pins: list[Share]
    state: str = "held"
    captured: int = 0
    capture: Transfer | None = None


@dataclass(eq=False, slots=True)
class Account:
    """An account that is guarded: it has lots, and perhaps debt."""

    number: int
    kind: str
    owner: int
    posted: int = 0
    debt: int = 0
    floor: int = 0
    lots: list[Lot] = field(default_factory=list)
    last_spent_at: datetime | None = None
    decayed_at: datetime | None = None

    def free_lots(self, now: datetime) -> list[Lot]:
        """Return the lots that can be taken from, in spending order."""
        free = [lot for lot in self.lots if lot.free > 0 and lot.expires_at > now]
        return sorted(free, key=lambda lot: lot.spending_order)

    def free(self, now: datetime) -> int:
        return sum(lot.free for lot in self.free_lots(now))

    def available(self, now: datetime) -> int:
        """Return what may be spent: what is owed is not there to spend."""
        return max(self.free(now) - self.debt, 0)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots)

    @property
    def lots_total(self) -> int:
        return sum(lot.remaining for lot in self.lots)


def share_out(points: int, lots: Iterable[Share]) -> list[Share]:
    """Take points from one part after another until there are enough, or no more."""
    taken = []
    for part in lots:
        share = min(points, part.points)
        points -= share
        if share > 0:
            taken.append(Share(part.lot, share))
    return taken


def stretch(parts: Sequence[Share], start: int, points: int) -> list[Share]:
    """Return what lies between two places on the line that these parts make."""
    found = []
    for part in parts:
        first, last = max(start, 0), min(start + points, part.points)
        if last > first:
            found.append(Share(part.lot, last - first))
        start -= part.points
    return found


def whole(lots: Iterable[Lot]) -> list[Share]:
    return [Share(lot, lot.free) for lot in lots]


def total(shares: Iterable[Share]) -> int:
    return sum(share.points for share in shares)


def local_day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def end_of(day: date) -> datetime:
    """Return the midnight after a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(days=1)
    return midnight.astimezone(UTC)


def months_on(day: date, months: int) -> date:
    """Return the same day so many months later (earlier if negative), or the month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def lapse_after(day: date, months: int | None) -> datetime:
    return NEVER if months is None else end_of(months_on(day, months))
