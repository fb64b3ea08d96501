"""A community's books as rows, and plain arithmetic over them."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

TABLES = {
    "accounts": "account_id",
    "balances": "account_id",
    "transfers": "transfer_id",
    "lots": "lot_id",
    "lot_moves": "transfer_id, lot_id",
    "holds": "hold_id",
    "hold_lots": "hold_id, lot_id",
    "reversed_points": "transfer_id",
    "seal_queue": "transfer_id",
    "seals": "leaf_index",
    "standings": "period, starts_on, resident_id",
    "contributions": "contribution_id",
    "contribution_reversals": "reversal_id",
    "cap_usage": "rule_id, resident_id, period, starts_on",
    "campaign_usage": "campaign_id, resident_id",
    "campaigns": "campaign_id",
    "claims": "claim_id",
    "claim_reviews": "claim_id, reviewer_id",
    "award_list_rows": "award_list_id, row_number",
    "manual_postings": "manual_posting_id",
    "point_policies": "version",
    "rule_versions": "rule_version_id",
    "vouchers": "voucher_id",
}


@dataclass(frozen=True)
class Books:
    """Every row that has to do with points."""

    timezone: str
    accounts: Sequence[Record]
    balances: Sequence[Record]
    transfers: Sequence[Record]
    lots: Sequence[Record]
    lot_moves: Sequence[Record]
    holds: Sequence[Record]
    hold_lots: Sequence[Record]
    reversed_points: Sequence[Record]
    seal_queue: Sequence[Record]
    seals: Sequence[Record]
    standings: Sequence[Record]
    contributions: Sequence[Record]
    contribution_reversals: Sequence[Record]
    cap_usage: Sequence[Record]
    campaign_usage: Sequence[Record]
    campaigns: Sequence[Record]
    claims: Sequence[Record]
    claim_reviews: Sequence[Record]
    award_list_rows: Sequence[Record]
    manual_postings: Sequence[Record]
    point_policies: Sequence[Record]
    rule_versions: Sequence[Record]
    vouchers: Sequence[Record]

    @cached_property
    def kinds(self) -> dict[int, str]:
        return {account.account_id: account.kind for account in self.accounts}

    @cached_property
    def owners(self) -> dict[int, int]:
        return {account.account_id: account.owner_id for account in self.accounts}

    @cached_property
    def transfers_by_id(self) -> dict[int, Record]:
        return {transfer.transfer_id: transfer for transfer in self.transfers}

    @cached_property
    def lots_by_id(self) -> dict[int, Record]:
        return {lot.lot_id: lot for lot in self.lots}

    @cached_property
    def lots_of(self) -> dict[int, list[Record]]:
        """Which lots each transfer made."""
        made: defaultdict[int, list[Record]] = defaultdict(list)
        for lot in self.lots:
            made[lot.transfer_id].append(lot)
        return made

    def reversals_of(self, *kinds: str) -> list[tuple[Record, Record]]:
        """Return reversals of transfers of some kinds, each with its original."""
        there = self.transfers_by_id
        pairs = [(row, there.get(row.reverses_transfer_id)) for row in self.transfers]
        return [(row, original) for row, original in pairs
                if original is not None and original.kind in kinds]  # fmt: skip

    def posted(self) -> Counter[int]:
        """Return what each account holds, by its transfers alone."""
        sums: Counter[int] = Counter()
        for transfer in self.transfers:
            sums[transfer.debit_account_id] -= transfer.points
            sums[transfer.credit_account_id] += transfer.points
        return sums

    def moved(self) -> Counter[int]:
        """Return what each transfer took from lots, negative where it put back."""
        return sum_by(self.lot_moves, "transfer_id")

    def moves_of(self) -> dict[int, dict[int, int]]:
        """Return what each transfer took from which lot."""
        return nested(self.lot_moves, "transfer_id")

    def remaining(self) -> Counter[int]:
        """Return what is left in each lot."""
        left = Counter({lot.lot_id: lot.granted for lot in self.lots})
        left.subtract(sum_by(self.lot_moves, "lot_id"))
        return left

    def in_spending_order(self, lots: Iterable[int]) -> list[int]:
        """Return lots by when they lapse, and by number where they lapse together."""
        there = self.lots_by_id
        return sorted(lots, key=lambda lot_id: (comparable(there[lot_id].expires_at), lot_id))

    def root_of(self, lot_id: int) -> int:
        """Return the lot that a lot came from first, maybe itself."""
        origin: int | None = self.lots_by_id[lot_id].origin_lot_id
        return lot_id if origin is None else origin

    def local_day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.timezone)).date()


async def read_books(session: AsyncSession, community_id: int) -> Books:
    rows: dict[str, Sequence[Record]] = {}
    for table, key in TABLES.items():
        statement = f"SELECT * FROM {table} WHERE community_id = :id ORDER BY {key}"  # noqa: S608
        rows[table] = (await session.execute(text(statement), {"id": community_id})).all()
    timezone = await session.scalar(
        text("SELECT timezone FROM communities WHERE community_id = :id"), {"id": community_id}
    )
    assert timezone is not None, f"there is no community {community_id}"
    return Books(timezone, **rows)


def differences(
    what: str, stored: Mapping[Any, Hashable], expected: Mapping[Any, Hashable]
) -> Iterator[str]:
    """Yield where two accounts of the same thing differ; what is missing counts as 0."""
    for key in sorted({*stored, *expected}):
        there, should_be = stored.get(key, 0), expected.get(key, 0)
        if there != should_be:
            yield f"{what} {key} is {there}, should be {should_be}"


def scored(books: Books) -> Iterator[tuple[Record, int, int]]:
    """Yield the transfers that count on boards, with the resident and the signed points."""
    for transfer in books.transfers:
        if transfer.kind == "award":
            yield transfer, transfer.credit_account_id, transfer.points
        elif transfer.kind == "deduction":
            yield transfer, transfer.debit_account_id, -transfer.points


def by_owner(books: Books, of_lot: Mapping[int, int]) -> Counter[int]:
    """Sum up figures of lots per account."""
    sums: Counter[int] = Counter()
    for lot in books.lots:
        sums[lot.account_id] += of_lot.get(lot.lot_id, 0)
    return sums


def comparable(moment: datetime) -> datetime:
    """Return a stored time with its zone: `infinity` comes without one."""
    return moment.replace(tzinfo=UTC)


def first_day(period: str, day: date) -> date:
    if period == "week":
        year, week, _ = day.isocalendar()
        return date.fromisocalendar(year, week, 1)
    firsts = {
        "day": day,
        "month": date(day.year, day.month, 1),
        "year": date(day.year, 1, 1),
        "all": date(1970, 1, 1),
    }
    return firsts[period]


def sum_by(rows: Sequence[Record], key: str, what: str = "points") -> Counter[int]:
    sums: Counter[int] = Counter()
    for row in rows:
        sums[getattr(row, key)] += getattr(row, what)
    return sums


def nested(rows: Sequence[Record], key: str) -> dict[int, dict[int, int]]:
    """Return key → lot → points."""
    tree: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in rows:
        tree[getattr(row, key)][row.lot_id] = row.points
    return tree


def first_of(line: Iterable[tuple[int, int]], points: int) -> dict[int, int]:
    """Return how the first points of a line of (lot, points) lie in its lots."""
    taken: dict[int, int] = {}
    for lot_id, there in line:
        taken[lot_id] = min(points, there)
        points -= taken[lot_id]
    return {lot_id: part for lot_id, part in taken.items() if part > 0}


def column(rows: Sequence[Record], name: str, key: str = "account_id") -> dict[int, Any]:
    return {getattr(row, key): getattr(row, name) for row in rows}


def pick(figures: Mapping[int, int], keys: Mapping[int, Any]) -> dict[int, int]:
    """Return the figures of some keys, 0 where there is none."""
    return {key: figures.get(key, 0) for key in keys}
