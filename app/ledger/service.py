"""What every room may ask of the book: open it, and what an account holds."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries
from app.ledger.errors import AccountUnknown
from app.ledger.models import SystemAccount
from app.ledger.schemas import BalanceRead, Lapse


async def open_book(session: AsyncSession, community_id: int, *, now: datetime) -> None:
    """Open the system's accounts of a new community."""
    accounts = [(account.value, account.name.lower()) for account in SystemAccount]
    await queries.open_plain_accounts(session, community_id, accounts, now=now)


async def get_balance(
    session: AsyncSession, community_id: int, account_id: int, *, now: datetime
) -> BalanceRead:
    """Return an account's balance; raises AccountUnknown."""
    row = await queries.get_balance(session, community_id, account_id, now=now)
    if row is None:
        raise AccountUnknown
    return BalanceRead(
        posted_points=row.posted,
        held_points=row.held,
        available_points=row.available,
        debt_points=row.debt,
        savings_points=row.savings_points,
        next_lapse=Lapse.of(row.next_points, row.next_expires_at),
    )
