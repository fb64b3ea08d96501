"""Moving an account's free points, whole or not at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries
from app.ledger.errors import InsufficientPoints
from app.ledger.lapses import timestamp
from app.ledger.models import TransferKind
from app.ledger.moves import queries as move_queries
from app.ledger.salts import new_salt


@dataclass(frozen=True, slots=True)
class Move:
    """Points for another account; `transfer_id` becomes the transfer's number.

    `lapses_at` and `policy_lapses_at` are for savings (savings/service.py says what they mean).
    """

    transfer_id: int
    kind: TransferKind
    account_id: int
    credit_account_id: int
    points: int
    memo: str
    maker_id: int
    source_kind: str
    source_id: int
    lapses_at: datetime | None = None
    policy_lapses_at: datetime | None = None


async def move_points(
    session: AsyncSession, community_id: int, move: Move, *, now: datetime
) -> None:
    """Move points whole; raises InsufficientPoints. The caller holds both balance rows."""
    row = row_of(move, now)
    if await move_queries.move(session, community_id, move.kind, [row], now=now):
        return
    balance = await queries.get_balance(session, community_id, move.account_id, now=now)
    available = 0 if balance is None else balance.available
    raise InsufficientPoints(available_points=available, needed_points=move.points)


def row_of(move: Move, now: datetime) -> dict[str, Any]:
    """Return a move as the statement reads it."""
    return {
        "item_id": move.transfer_id,
        "account_id": move.account_id,
        "points": move.points,
        "credit_account_id": move.credit_account_id,
        "source_kind": move.source_kind,
        "source_id": move.source_id,
        "memo": move.memo,
        "maker_id": move.maker_id,
        "occurred_at": now.isoformat(),
        "salt": new_salt(),
        "lapses_at": None if move.lapses_at is None else timestamp(move.lapses_at),
        "policy_lapses_at": None
        if move.policy_lapses_at is None
        else timestamp(move.policy_lapses_at),
    }
