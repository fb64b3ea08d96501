"""Taking points: from the wallet, then from savings, then as debt down to the floor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger import queries
from app.ledger.deductions import queries as deduction_queries
from app.ledger.errors import AccountUnknown
from app.ledger.lapses import NEVER
from app.ledger.models import AccountKind, SystemAccount, TransferKind
from app.ledger.moves import queries as move_queries
from app.ledger.moves.service import Move, row_of
from app.ledger.salts import new_salt

FROM_SAVINGS = "从积分银行转出，用于抵扣"
AT_LEAST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points to take from an account; its number becomes the transfer's.

    `withdrawal_id` is for the withdrawal from savings, should it take one: made first, so that
    the statement shows it first.
    """

    withdrawal_id: int
    deduction_id: int
    account_id: int
    points: int
    source_kind: str
    source_id: int
    memo: str
    rule_version_id: int
    maker_id: int
    checker_id: int | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class AwardReversal:
    """Points of an award to ask back; `reversal_id` becomes the number of the new transfer.

    `original_points` is what the award gave: reversals never sum up to more. `withdrawal_id` as
    for a deduction.
    """

    withdrawal_id: int
    reversal_id: int
    transfer_id: int
    account_id: int
    points: int
    original_points: int
    memo: str
    rule_version_id: int
    maker_id: int
    checker_id: int | None
    source_kind: str
    source_id: int
    occurred_at: datetime


async def deduct(
    session: AsyncSession, community_id: int, deduction: Deduction, *, now: datetime
) -> int:
    """Take points; return what could be collected. Raises AccountUnknown."""
    await queries.lock_owned(session, community_id, [deduction.account_id])
    # Read anew once locked: savings may have been opened by whom we waited for.
    owned = await queries.lock_owned(session, community_id, [deduction.account_id])
    if deduction.account_id not in {row.account_id for row in owned}:
        raise AccountUnknown
    await _reach_into_savings(session, community_id, [deduction], owned, now=now)
    row = _row_of(deduction, deduction.deduction_id)
    collected = await deduction_queries.deduct(
        session, community_id, [row], credit_account=SystemAccount.PENALTY, now=now
    )
    return collected[deduction.deduction_id]


async def reverse_awards(
    session: AsyncSession, community_id: int, reversals: Sequence[AwardReversal], *, now: datetime
) -> dict[int, int]:
    """Give awards back to the issuer; return reversal → points that were there to take.

    The caller has locked what the accounts' owners own, and asks for each award once.
    """
    collected: dict[int, int] = {}
    waiting = list(reversals)
    while waiting:
        # A statement touches a balance row once, so awards of one account go one after another.
        batch = {reversal.account_id: reversal for reversal in reversed(waiting)}
        # Read anew each time: the batch before took from the same lots.
        owned = await queries.lock_owned(session, community_id, list(batch))
        await _reach_into_savings(session, community_id, batch.values(), owned, now=now)
        rows = [_reversal_row(reversal) for reversal in batch.values()]
        collected |= await deduction_queries.reverse_awards(
            session, community_id, rows, credit_account=SystemAccount.ISSUER, now=now
        )
        waiting = [item for item in waiting if item is not batch[item.account_id]]
    return collected


async def _reach_into_savings(
    session: AsyncSession,
    community_id: int,
    taken: Iterable[Deduction | AwardReversal],
    owned: Sequence[Record],
    *,
    now: datetime,
) -> None:
    """Withdraw what a wallet lacks, so that nobody escapes a deduction by saving in time."""
    savings = {
        row.owner_id: row.account_id
        for row in owned
        if row.kind == AccountKind.SAVINGS and row.lots_total > 0
    }
    concerned = [item for item in taken if item.account_id in savings]
    if not concerned:
        return
    accounts = [*(item.account_id for item in concerned), *savings.values()]
    free = await move_queries.sum_free(session, community_id, accounts, now=now)
    rows = []
    for item in concerned:
        saved_in = savings[item.account_id]
        lacking = item.points - free.get(item.account_id, 0)
        points = min(lacking, free.get(saved_in, 0))
        if points > 0:
            rows.append(_withdrawal_row(item, saved_in, points, now))
    if rows:
        await move_queries.move(session, community_id, TransferKind.WITHDRAWAL, rows, now=now)


def _withdrawal_row(
    item: Deduction | AwardReversal, saved_in: int, points: int, now: datetime
) -> dict[str, Any]:
    withdrawal = Move(
        transfer_id=item.withdrawal_id,
        kind=TransferKind.WITHDRAWAL,
        account_id=saved_in,
        credit_account_id=item.account_id,
        points=points,
        memo=FROM_SAVINGS,
        maker_id=item.maker_id,
        source_kind="savings",
        source_id=item.withdrawal_id,
        # Taken at once, but it must not lapse before; should it be given back, it has its date.
        lapses_at=now + AT_LEAST,
        policy_lapses_at=NEVER,
    )
    return row_of(withdrawal, now)


def _reversal_row(reversal: AwardReversal) -> dict[str, Any]:
    return _row_of(reversal, reversal.reversal_id) | {
        "transfer_id": reversal.transfer_id,
        "original_points": reversal.original_points,
    }


def _row_of(taken: Deduction | AwardReversal, item_id: int) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "account_id": taken.account_id,
        "points": taken.points,
        "source_kind": taken.source_kind,
        "source_id": taken.source_id,
        "memo": taken.memo,
        "rule_version_id": taken.rule_version_id,
        "maker_id": taken.maker_id,
        "checker_id": taken.checker_id,
        "occurred_at": taken.occurred_at.isoformat(),
        "salt": new_salt(),
    }
