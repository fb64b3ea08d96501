"""Giving points back: of deductions, spends, and what lapsed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.calendar import day_in
from app.core.database import Record
from app.ledger import queries
from app.ledger.errors import MoreThanOriginal, NotReversible, TransferUnknown
from app.ledger.lapses import end_of, lapse_under, timestamp
from app.ledger.models import PointPolicy, TransferKind
from app.ledger.reversals import queries as reversal_queries
from app.ledger.salts import new_salt

GRACE_DAYS = 30
# What was given to a neighbour or to a fund stays given; what was saved can be withdrawn.
GIVEN_BACK = (
    TransferKind.DEDUCTION,
    TransferKind.SPEND,
    TransferKind.EXPIRY,
    TransferKind.DECAY,
)
REVERSIBLE = (TransferKind.AWARD, *GIVEN_BACK)


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Points of a transfer to give back; `reversal_id` becomes the number of the new transfer.

    `is_usable_again` gives points whose date has passed 30 more days: the office or the shop was
    at fault, or new work has earned them.
    """

    reversal_id: int
    transfer_id: int
    account_id: int
    points: int
    memo: str
    maker_id: int
    checker_id: int | None
    source_kind: str
    source_id: int
    is_usable_again: bool


async def get_reversible(session: AsyncSession, community_id: int, transfer_id: int) -> Record:
    """Return a transfer that can be reversed; raises TransferUnknown, NotReversible."""
    original = await reversal_queries.get_reversible(session, community_id, transfer_id)
    if original is None:
        raise TransferUnknown
    if original.kind not in REVERSIBLE:
        raise NotReversible
    return original


async def give_back(
    session: AsyncSession, community_id: int, wanted: GiveBack, *, timezone: str, now: datetime
) -> None:
    """Reverse part or all of what an account gave.

    Raises TransferUnknown, NotReversible (also for what another account gave), MoreThanOriginal.
    The caller holds the account's balance row. What had become debt and is repaid since comes as
    a new lot, which lapses as the community's policy has it today.
    """
    policy = await queries.get_policy(session, community_id)
    row = _row_of(wanted, policy, timezone, now)
    if await reversal_queries.put_back(session, community_id, [row], now=now):
        return
    original = await get_reversible(session, community_id, wanted.transfer_id)
    if original.debit_account_id != wanted.account_id:
        raise NotReversible
    left = original.points - original.reversed_points
    raise MoreThanOriginal(left_points=left, asked_points=wanted.points)


def _row_of(wanted: GiveBack, policy: PointPolicy, timezone: str, now: datetime) -> dict[str, Any]:
    today = day_in(timezone, now)
    fresh = lapse_under(policy.expiry, acted_on=today, since=policy.expiry_since, timezone=timezone)
    usable_until = end_of(today + timedelta(days=GRACE_DAYS), timezone)
    return {
        "item_id": wanted.reversal_id,
        "account_id": wanted.account_id,
        "transfer_id": wanted.transfer_id,
        "points": wanted.points,
        "source_kind": wanted.source_kind,
        "source_id": wanted.source_id,
        "memo": wanted.memo,
        "maker_id": wanted.maker_id,
        "checker_id": wanted.checker_id,
        "occurred_at": now.isoformat(),
        "salt": new_salt(),
        "usable_until": usable_until.isoformat() if wanted.is_usable_again else None,
        "fresh_lapses_at": timestamp(fresh),
        "fresh_follows_policy": True,
    }
