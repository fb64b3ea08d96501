"""Reading an account's lines."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, page_of, read_cursor
from app.ledger.models import TransferKind
from app.ledger.statement import queries
from app.ledger.statement.errors import PeriodBackwards
from app.ledger.statement.schemas import (
    LineFilter,
    OwnAccount,
    PeriodLine,
    PeriodStatement,
    StatementLine,
    StatementMonth,
    StatementMonths,
)


async def get_statement(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    chosen: LineFilter,
    *,
    cursor: str | None,
    size: int,
) -> Page[StatementLine]:
    """Return lines of an account, newest first; raises PeriodBackwards.

    Balances count the lines left out as well. Far pages cost more: all newer lines are read.
    """
    if chosen.first is not None and chosen.last is not None and chosen.first > chosen.last:
        raise PeriodBackwards
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_lines(
        session, community_id, owner_id, chosen, before=before, size=size + 1
    )
    return page_of(StatementLine, rows, size, lambda row: (row.transfer_id,))


async def get_months(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    account: OwnAccount,
    *,
    months: int,
    now: datetime,
) -> StatementMonths:
    """Return what came and went in each local month, newest first."""
    rows = await queries.list_months(
        session, community_id, owner_id, account, months=months, now=now
    )
    return StatementMonths(items=[StatementMonth.model_validate(row) for row in rows])


async def get_period(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    account: OwnAccount,
    *,
    since: datetime,
    until: datetime,
    most_lines: int,
) -> PeriodStatement | None:
    """Return every line from `since` until before `until`; None if there are more than that."""
    rows = await queries.list_period(
        session, community_id, owner_id, account, since=since, until=until, size=most_lines + 1
    )
    if len(rows) > most_lines:
        return None
    if not rows:
        return PeriodStatement(0, 0, [])
    closing: int = rows[0].closing_points
    opening = closing - rows[0].moved_points
    return PeriodStatement(opening, closing, list(_chained(rows, opening)))


def _chained(rows: Sequence[Record], balance: int) -> Iterator[PeriodLine]:
    for row in rows:
        if row.transfer_id is None:
            continue
        balance += row.points
        yield PeriodLine(
            kind=TransferKind(row.kind),
            points=row.points,
            balance_points=balance,
            memo=row.memo,
            posted_at=row.posted_at,
            transfer_id=row.transfer_id,
        )
