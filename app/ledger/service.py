"""What other rooms ask of the book: reserve, capture, undo, release, deduct.

Everything here takes several items of one community at once, and locks their balance rows
before it looks at a lot.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, page_of, read_cursor
from app.ledger import queries
from app.ledger.deductions import queries as deduction_queries
from app.ledger.errors import AccountUnknown, HoldNotOpen, InsufficientPoints
from app.ledger.holds import queries as hold_queries
from app.ledger.models import HoldState, SystemAccount
from app.ledger.schemas import BalanceRead, StatementLine

SALT_BYTES = 16


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


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points to take from an account; its number becomes the transfer's."""

    deduction_id: int
    account_id: int
    points: int
    source_kind: str
    source_id: int
    memo: str
    rule_version_id: int
    maker_id: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class AwardReversal:
    """An award to take back whole; `reversal_id` becomes the number of the new transfer."""

    reversal_id: int
    transfer_id: int
    account_id: int
    points: int
    memo: str
    rule_version_id: int
    maker_id: int
    occurred_at: datetime


def new_salt() -> str:
    """Return a fresh salt for a transfer's sealed personal fields, as bytea input."""
    return "\\x" + secrets.token_hex(SALT_BYTES)


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
    )


async def get_statement(
    session: AsyncSession, community_id: int, account_id: int, *, cursor: str | None, size: int
) -> Page[StatementLine]:
    """Return an account's lines, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_transfers(
        session, community_id, account_id, before=before, size=size + 1
    )
    return page_of(StatementLine, rows, size, lambda row: (row.transfer_id,))


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


async def capture_hold(
    session: AsyncSession,
    community_id: int,
    hold: HoldRef,
    *,
    credit_account_id: int,
    maker_id: int,
    now: datetime,
) -> int:
    """Post a hold's points to an account; return the transfer. Raises HoldNotOpen."""
    await queries.lock_balances(session, community_id, [hold.account_id])
    row = {
        "hold_id": hold.hold_id,
        "transfer_id": new_id(now),
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
    """Reverse a capture and hold the points again; return the reversal. Raises HoldNotOpen."""
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


async def deduct(
    session: AsyncSession, community_id: int, deduction: Deduction, *, now: datetime
) -> int:
    """Take points: free lots, then debt down to the floor; return what could be collected."""
    locked = await queries.lock_balances(session, community_id, [deduction.account_id])
    if not locked:
        raise AccountUnknown
    row = {
        "item_id": deduction.deduction_id,
        "account_id": deduction.account_id,
        "points": deduction.points,
        "source_kind": deduction.source_kind,
        "source_id": deduction.source_id,
        "memo": deduction.memo,
        "rule_version_id": deduction.rule_version_id,
        "maker_id": deduction.maker_id,
        "occurred_at": deduction.occurred_at.isoformat(),
        "salt": new_salt(),
    }
    collected = await deduction_queries.deduct(
        session, community_id, [row], credit_account=SystemAccount.PENALTY, now=now
    )
    return collected[deduction.deduction_id]


async def reverse_awards(
    session: AsyncSession, community_id: int, reversals: Sequence[AwardReversal], *, now: datetime
) -> dict[int, int]:
    """Give awards back to the issuer; return reversal → points that were there to take.

    The caller holds the balance rows of all accounts and asks for each award once.
    """
    collected: dict[int, int] = {}
    waiting = list(reversals)
    while waiting:
        # A statement touches a balance row once, so awards of one account go one after another.
        batch = {reversal.account_id: reversal for reversal in reversed(waiting)}
        rows = [_reversal_row(reversal) for reversal in batch.values()]
        collected |= await deduction_queries.reverse_awards(
            session, community_id, rows, credit_account=SystemAccount.ISSUER, now=now
        )
        waiting = [item for item in waiting if item is not batch[item.account_id]]
    return collected


async def close_wallet(
    session: AsyncSession,
    community_id: int,
    account_id: int,
    *,
    memo: str,
    maker_id: int,
    now: datetime,
) -> int:
    """Let all points lapse that no hold pins, whatever their own expiry; return how many."""
    await queries.lock_balances(session, community_id, [account_id])
    row = {
        "item_id": new_id(now),
        "account_id": account_id,
        "memo": memo,
        "maker_id": maker_id,
        "salt": new_salt(),
    }
    collected = await deduction_queries.close_wallets(
        session, community_id, [row], credit_account=SystemAccount.EXPIRED, now=now
    )
    return sum(collected.values())


def _reversal_row(reversal: AwardReversal) -> dict[str, Any]:
    return {
        "item_id": reversal.reversal_id,
        "account_id": reversal.account_id,
        "points": reversal.points,
        "transfer_id": reversal.transfer_id,
        "original_points": reversal.points,
        "source_kind": "reversal",
        "source_id": reversal.reversal_id,
        "memo": reversal.memo,
        "rule_version_id": reversal.rule_version_id,
        "maker_id": reversal.maker_id,
        "occurred_at": reversal.occurred_at.isoformat(),
        "salt": new_salt(),
    }
