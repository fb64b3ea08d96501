"""Rows of a book as tests compare them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record


async def get_balance_row(session: AsyncSession, community_id: int, account_id: int) -> Record:
    statement = "SELECT * FROM balances WHERE community_id = :community AND account_id = :account"
    values = {"community": community_id, "account": account_id}
    return (await session.execute(text(statement), values)).one()


async def figures(session: AsyncSession, community_id: int, account_id: int) -> dict[str, int]:
    """Return posted, lots_total, debt and held."""
    row = await get_balance_row(session, community_id, account_id)
    return {name: getattr(row, name) for name in ("posted", "lots_total", "debt", "held")}


async def list_lots(
    session: AsyncSession, community_id: int, account_id: int
) -> dict[int, tuple[int, int]]:
    """Return lot → (remaining, held), in spending order."""
    statement = """
        SELECT lot_id, remaining, held FROM lots
        WHERE community_id = :community AND account_id = :account ORDER BY expires_at, lot_id
    """
    values = {"community": community_id, "account": account_id}
    rows = (await session.execute(text(statement), values)).all()
    return {row.lot_id: (row.remaining, row.held) for row in rows}


async def list_pins(session: AsyncSession, community_id: int, hold_id: int) -> dict[int, int]:
    """Return lot → points that a hold pins."""
    statement = """
        SELECT lot_id, points FROM hold_lots
        WHERE community_id = :community AND hold_id = :hold ORDER BY lot_id
    """
    values = {"community": community_id, "hold": hold_id}
    return {row.lot_id: row.points for row in (await session.execute(text(statement), values))}


async def list_moves(session: AsyncSession, community_id: int, transfer_id: int) -> dict[int, int]:
    """Return lot → points that a transfer took."""
    statement = """
        SELECT lot_id, points FROM lot_moves
        WHERE community_id = :community AND transfer_id = :transfer ORDER BY lot_id
    """
    values = {"community": community_id, "transfer": transfer_id}
    return {row.lot_id: row.points for row in (await session.execute(text(statement), values))}


async def set_floor(session: AsyncSession, community_id: int, account_id: int, floor: int) -> None:
    """Let an account go into debt down to `floor`, which no page can set yet."""
    await session.execute(
        text(
            "UPDATE balances SET floor = :floor"
            " WHERE community_id = :community AND account_id = :account"
        ),
        {"floor": floor, "community": community_id, "account": account_id},
    )


async def count(session: AsyncSession, table: str, **where: Any) -> int:
    """Count the rows of a table whose columns equal these values."""
    condition = " AND ".join(f"{name} = :{name}" for name in where)
    statement = text(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608
    return int(await session.scalar(statement, where) or 0)


async def read_lots(session: AsyncSession, community_id: int, account_id: int) -> Sequence[Record]:
    """Return whole lots, in spending order."""
    statement = """
        SELECT * FROM lots
        WHERE community_id = :community AND account_id = :account ORDER BY expires_at, lot_id
    """
    values = {"community": community_id, "account": account_id}
    return (await session.execute(text(statement), values)).all()
