"""How the audit goes through a book: walks, each a page of rows at a time.

A page's checks are statements of their own, and each sees one moment of the book, so a book in
use can be audited as it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import queries
from app.ledger.seals.notes import VerifierKey

Position = dict[str, Any]
PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditedBook:
    """Whose book is gone through, and what it takes to check it.

    `keys` are those that may have signed its checkpoints, empty before the first seal.
    """

    community_id: int
    timezone: str
    keys: Sequence[VerifierKey]
    now: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what follows from the transfers."""

    check: str
    subject: str
    stored: str
    expected: str

    def as_row(self) -> dict[str, str]:
        """Return it as an audit's row keeps it."""
        return {
            "check": self.check,
            "subject": self.subject,
            "stored": self.stored,
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One page: where to go on (None: the walk is over), how many rows, the first difference."""

    position: Position | None
    checked: int
    difference: Difference | None = None


class Walk(Protocol):
    """A way through the book; it begins at the empty position."""

    @property
    def name(self) -> str: ...

    async def step(self, session: AsyncSession, book: AuditedBook, position: Position) -> Step: ...


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that returns rows (subject, stored, expected) of a page that differ.

    It takes :community_id, :after and :until (keys after the one, up to the other), and where it
    wants them :timezone and :now. `name` says as a sentence what holds.
    """

    name: str
    statement: str


@dataclass(frozen=True, slots=True)
class KeyWalk:
    """Goes through a table by a key of one number, a page of `size` or PAGE rows at a time.

    `page` takes :community_id, :after and :size and returns one row: `until`, the last key of
    the page (null: there is none), and `rows`. A page is small where a row stands for many.
    """

    name: str
    page: str
    checks: Sequence[Check]
    first: int = -(2**63)
    size: int | None = None

    async def step(self, session: AsyncSession, book: AuditedBook, position: Position) -> Step:
        after = position.get("after", self.first)
        values: dict[str, Any] = {"community_id": book.community_id, "after": after}
        page = await queries.get_page(session, self.page, values | {"size": self.size or PAGE})
        if page.until is None:
            return Step(None, 0)
        values |= {"until": page.until, "timezone": book.timezone, "now": book.now}
        for check in self.checks:
            difference = await find_difference(session, check, values)
            if difference is not None:
                return Step(position, page.rows, difference)
        return Step({"after": page.until}, page.rows)


@dataclass(frozen=True, slots=True)
class TupleWalk:
    """Goes through a table by a key of several columns, in the order of its index.

    Checks take :community_id and, as text, :after_<column> and :until_<column>; they say which
    rows are meant with queries.keys_between.
    """

    name: str
    table: str
    key: Sequence[queries.KeyColumn]
    checks: Sequence[Check]
    size: int | None = None

    async def step(self, session: AsyncSession, book: AuditedBook, position: Position) -> Step:
        values: dict[str, Any] = {
            "community_id": book.community_id,
            "timezone": book.timezone,
            "now": book.now,
            "size": self.size or PAGE,
        }
        for column in self.key:
            values[f"after_{column.name}"] = position.get(column.name, column.before_all)
        page = await queries.find_row(session, queries.page_of(self.table, self.key), values)
        if page is None:
            return Step(None, 0)
        until: Position = {column.name: getattr(page, column.name) for column in self.key}
        values |= {f"until_{name}": value for name, value in until.items()}
        for check in self.checks:
            difference = await find_difference(session, check, values)
            if difference is not None:
                return Step(position, page.rows, difference)
        return Step(until, page.rows)


async def find_difference(
    session: AsyncSession, check: Check, values: Mapping[str, Any]
) -> Difference | None:
    """Run a check; return the first row that differs."""
    row = await queries.find_row(session, check.statement, values)
    if row is None:
        return None
    return Difference(check.name, str(row.subject), str(row.stored), str(row.expected))
