"""SQL of the points bank."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import AVAILABLE, NEXT_LAPSE, run_statement

_GET_SAVINGS = f"""
    SELECT opened_at, {AVAILABLE} AS available, next.points AS next_points,
        next.expires_at AS next_expires_at
    FROM accounts
        JOIN balances ON balances.community_id = accounts.community_id
            AND balances.account_id = accounts.account_id
        LEFT JOIN LATERAL ({NEXT_LAPSE}) AS next ON true
    WHERE accounts.community_id = :community_id AND kind = 'savings' AND owner_id = :owner_id
"""  # noqa: S608 - fragments of the ledger


async def get_savings(
    session: AsyncSession, community_id: int, owner_id: int, *, now: datetime
) -> Record | None:
    """Return what somebody has saved, when they began and what lapses first; None if never."""
    rows = await run_statement(
        session, _GET_SAVINGS, community_id=community_id, owner_id=owner_id, now=now
    )
    return rows[0] if rows else None
