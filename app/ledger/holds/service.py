"""What other rooms ask of holds: reserve, extend, capture, undo, release.

Each locks the balance rows concerned before it looks at a lot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.errors import AccountUnknown, HoldNotOpen, InsufficientPoints
from app.ledger.holds import queries as hold_queries
from app.ledger.models import HoldState
from app.ledger.salts import new_salt

EXPIRY_BATCH = 500


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Points to reserve for `purpose` until `expires_at`; the caller names the hold."""

    hold_id: int
    account_id: int
    points: int
    purpose: str
    memo: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HoldRef:
    """A hold and the account whose points it pins."""

    hold_id: int
    account_id: int


async def place_hold(
    session: AsyncSession, community_id: int, request: HoldRequest, *, now: datetime
) -> None:
    """Reserve points, lots that lapse first; raises InsufficientPoints."""
    locked = await queries.lock_balances(session, community_id, [request.account_id])
    if not locked:
        raise AccountUnknown
    row = {
        "item_id": request.hold_id,
        "account_id": request.account_id,
        "points": request.points,
        "purpose": request.purpose,
        "memo": request.memo,
        "expires_at": request.expires_at.isoformat(),
    }
    if await hold_queries.place_holds(session, community_id, [row], now=now):
        return
    balance = await queries.get_balance(session, community_id, request.account_id, now=now)
    available = 0 if balance is None else balance.available
    raise InsufficientPoints(available_points=available, needed_points=request.points)


async def extend_hold(
    session: AsyncSession, community_id: int, hold: HoldRef, *, until: datetime, now: datetime
) -> None:
    """Let a hold last until a later time. Raises HoldNotOpen, also for an earlier one."""
    await queries.lock_balances(session, community_id, [hold.account_id])
    row = {"hold_id": hold.hold_id, "expires_at": until.isoformat()}
    if not await hold_queries.extend_holds(session, community_id, [row], now=now):
        raise HoldNotOpen


async def capture_hold(
    session: AsyncSession,
    community_id: int,
    hold: HoldRef,
    *,
    credit_account_id: int,
    maker_id: int,
    points: int | None = None,
    now: datetime,
) -> int:
    """Post a hold's points, or a part of them, to an account; return the transfer.

    The hold ends; what is not captured is free again. Raises HoldNotOpen, also for a hold past
    its date, for more than it promised and for less than a point.
    """
    await queries.lock_balances(session, community_id, [hold.account_id])
    row = {
        "hold_id": hold.hold_id,
        "transfer_id": new_id(now),
        "points": points,
        "credit_account_id": credit_account_id,
        "maker_id": maker_id,
        "salt": new_salt(),
    }
    captured = await hold_queries.capture_holds(session, community_id, [row], now=now)
    if hold.hold_id not in captured:
        raise HoldNotOpen
    return captured[hold.hold_id]


async def undo_capture(
    session: AsyncSession, community_id: int, hold: HoldRef, *, maker_id: int, now: datetime
) -> int:
    """Reverse a whole capture and hold the points again; return the reversal.

    Raises HoldNotOpen where nothing is captured, only a part, or some was given back already.
    """
    await queries.lock_balances(session, community_id, [hold.account_id])
    row = {
        "hold_id": hold.hold_id,
        "transfer_id": new_id(now),
        "maker_id": maker_id,
        "salt": new_salt(),
    }
    undone = await hold_queries.undo_captures(session, community_id, [row], now=now)
    if hold.hold_id not in undone:
        raise HoldNotOpen
    return undone[hold.hold_id]


async def release_holds(
    session: AsyncSession,
    community_id: int,
    holds: Sequence[HoldRef],
    *,
    state: HoldState,
    now: datetime,
) -> set[int]:
    """Give reserved points back; return which holds were still open."""
    await queries.lock_balances(session, community_id, [hold.account_id for hold in holds])
    hold_ids = [hold.hold_id for hold in holds]
    return await hold_queries.release_holds(session, community_id, hold_ids, state=state, now=now)


async def expire_holds(
    session: AsyncSession, community_id: int, *, not_for: Sequence[str], now: datetime
) -> int:
    """End up to 500 holds past their date; return how many were found. Safe to repeat.

    Purposes in `not_for` have a job of their own, which ends what the hold stands for too.
    """
    lapsed = await hold_queries.list_lapsed_holds(
        session, community_id, not_for=not_for, now=now, size=EXPIRY_BATCH
    )
    holds = [HoldRef(row.hold_id, row.account_id) for row in lapsed]
    if holds:
        await release_holds(session, community_id, holds, state=HoldState.EXPIRED, now=now)
    return len(holds)
