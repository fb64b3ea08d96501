"""Points that a resident of the office has, saves, gives away and is told about."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.models import AccountKind, TransferKind
from app.ledger.moves.service import Move, move_points
from tests.privacy.office import Office
from tests.support.awards import NEVER, give_lots

MEMO = "邻里之间"

_TELL = """
    INSERT INTO lapse_notices (community_id, account_id, kind, month, days_ahead, points,
        lapses_at, told_at)
    VALUES (:community_id, :account_id, 'expiry', :month, 30, :points, :lapses_at, :now)
"""

_PROPOSE = """
    INSERT INTO manual_postings (community_id, manual_posting_id, kind, state, resident_id,
        rule_code, units, is_our_fault, reason, proposed_by, proposed_at, decided_by, decided_at,
        decision_reason)
    VALUES (:community_id, :number, 'award', 'refused', :resident_id, 'survey', 1, false,
        '帮忙搬花', :proposed_by, :now, :decided_by, :now, '没有记录')
"""


async def fill(
    office: Office, points: int, name: str = "resident-1", expiry: dict[str, Any] = NEVER
) -> None:
    """Give a resident points."""
    wallet = int(office.here.resident_id(name))
    async with office.sessionmaker.begin() as session:
        await give_lots(session, office.here, [(wallet, points, expiry)], now=office.clock.now)


async def open_savings(office: Office, name: str = "resident-1") -> int:
    """Open a resident's savings account; return its number."""
    savings = new_id(office.clock.now)
    async with office.sessionmaker.begin() as session:
        await ledger_queries.open_guarded_account(
            session, office.here.community_id, savings, AccountKind.SAVINGS,
            owner_id=int(office.here.resident_id(name)), now=office.clock.now,
        )  # fmt: skip
    return savings


async def move(
    office: Office, kind: TransferKind, points: int, *, from_account: int, to_account: int
) -> int:
    """Move points from one account to another; return the transfer's number."""
    now = office.clock.now
    transfer_id = new_id(now)
    async with office.sessionmaker.begin() as session:
        await ledger_queries.lock_balances(
            session, office.here.community_id, [from_account, to_account]
        )
        moved = Move(
            transfer_id=transfer_id, kind=kind, account_id=from_account,
            credit_account_id=to_account, points=points, memo=MEMO, maker_id=1,
            source_kind=kind.value, source_id=transfer_id,
        )  # fmt: skip
        await move_points(session, office.here.community_id, moved, now=now)
    return transfer_id


async def save(office: Office, points: int, name: str = "resident-1") -> int:
    """Let a resident save points in a new account; return the account."""
    savings = await open_savings(office, name)
    wallet = int(office.here.resident_id(name))
    await move(office, TransferKind.SAVING, points, from_account=wallet, to_account=savings)
    return savings


async def tell_of_lapse(office: Office, account_id: int, points: int) -> None:
    """Note that the owner was told that points will lapse in a month."""
    now = office.clock.now
    values = {
        "community_id": office.here.community_id, "account_id": account_id, "points": points,
        "month": date(2026, 12, 1), "lapses_at": now + timedelta(days=30), "now": now,
    }  # fmt: skip
    async with office.sessionmaker.begin() as session:
        await session.execute(text(_TELL), values)


async def refuse_award(
    office: Office, *, proposed_by: int, decided_by: int, name: str = "resident-1"
) -> int:
    """Note that an award by hand was proposed and refused; return its number."""
    number = new_id(office.clock.now)
    values = {
        "community_id": office.here.community_id, "number": number,
        "resident_id": int(office.here.resident_id(name)), "now": office.clock.now,
        "proposed_by": proposed_by, "decided_by": decided_by,
    }  # fmt: skip
    async with office.sessionmaker.begin() as session:
        await session.execute(text(_PROPOSE), values)
    return number
