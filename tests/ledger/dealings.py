"""What ledger tests do with points, each by one call of the ledger's own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.deductions import service as deductions
from app.ledger.holds import service as holds
from app.ledger.models import AccountKind, TransferKind
from app.ledger.moves import queries as move_queries
from app.ledger.moves.service import Move, row_of
from app.ledger.reversals import service as reversals
from tests.ledger.conftest import Crowd
from tests.support.awards import award, get_terms, make_item

SHANGHAI = "Asia/Shanghai"


async def give(
    crowd: Crowd, wallet: int, points: int, expiry: dict[str, Any], *, follows_policy: bool = False
) -> int:
    """Award one lot that lapses by its rule, unless it is to follow the policy's changes."""
    terms = await get_terms(
        crowd.session, crowd.here, "survey", at=crowd.now, points=points, expiry=expiry
    )
    if not follows_policy:
        terms = replace(terms, policy_version=None, expiry_since=None)
    item = make_item(terms, wallet, now=crowd.now)
    await award(crowd.session, crowd.here, [item], now=crowd.now)
    return item.contribution_id


async def open_savings(crowd: Crowd, wallet: int) -> int:
    return await _open_guarded(crowd, AccountKind.SAVINGS, wallet)


async def open_fund(crowd: Crowd) -> int:
    return await _open_guarded(crowd, AccountKind.FUND, new_id(crowd.now))


async def _open_guarded(crowd: Crowd, kind: AccountKind, owner_id: int) -> int:
    account = new_id(crowd.now)
    await queries.open_guarded_account(
        crowd.session, crowd.community_id, account, kind, owner_id=owner_id, now=crowd.now
    )
    return account


async def move(
    crowd: Crowd,
    kind: TransferKind,
    wanted: Sequence[tuple[int, int, int]],
    **lapses: datetime | None,
) -> list[int | None]:
    """Move points in one call, as (payer, receiver, points); return transfers, None if refused."""
    rows = [
        row_of(
            Move(transfer_id := new_id(crowd.now), kind, payer, receiver, points, "试一试", 1,
                 "test", transfer_id, **lapses),
            crowd.now,
        )
        for payer, receiver, points in wanted
    ]  # fmt: skip
    accounts = [account for payer, receiver, _ in wanted for account in (payer, receiver)]
    await queries.lock_balances(crowd.session, crowd.community_id, accounts)
    moved = await move_queries.move(crowd.session, crowd.community_id, kind, rows, now=crowd.now)
    return [row["item_id"] if row["item_id"] in moved else None for row in rows]


async def move_one(
    crowd: Crowd,
    kind: TransferKind,
    wanted: tuple[int, int, int],
    **lapses: datetime | None,
) -> int:
    (transfer,) = await move(crowd, kind, [wanted], **lapses)
    assert transfer is not None
    return transfer


async def spend(crowd: Crowd, wallet: int, points: int) -> int:
    """Spend at the canteen; return the transfer."""
    return await move_one(crowd, TransferKind.SPEND, (wallet, crowd.shop_id, points))


async def deduct(crowd: Crowd, wallet: int, points: int) -> tuple[int, int]:
    """Take points, savings too; return the transfer and what could be collected."""
    terms = await get_terms(crowd.session, crowd.here, "sorted_wrongly", at=crowd.now)
    deduction = deductions.Deduction(
        withdrawal_id=new_id(crowd.now),
        deduction_id=new_id(crowd.now),
        account_id=wallet,
        points=points,
        source_kind="contribution",
        source_id=new_id(crowd.now),
        memo="混投",
        rule_version_id=terms.rule_version_id,
        maker_id=1,
        checker_id=2,
        occurred_at=crowd.now,
    )
    collected = await deductions.deduct(crowd.session, crowd.community_id, deduction, now=crowd.now)
    return deduction.deduction_id, collected


async def reverse_award(crowd: Crowd, award: int, wallet: int, points: int, *, of: int) -> int:
    """Take some points of an award back; return what was collected."""
    terms = await get_terms(crowd.session, crowd.here, "survey", at=crowd.now)
    reversal = deductions.AwardReversal(
        withdrawal_id=new_id(crowd.now),
        reversal_id=(reversal_id := new_id(crowd.now)),
        transfer_id=award,
        account_id=wallet,
        points=points,
        original_points=of,
        memo="收回",
        rule_version_id=terms.rule_version_id,
        maker_id=1,
        checker_id=2,
        source_kind="reversal",
        source_id=reversal_id,
        occurred_at=crowd.now,
    )
    await queries.lock_owned(crowd.session, crowd.community_id, [wallet])
    collected = await deductions.reverse_awards(
        crowd.session, crowd.community_id, [reversal], now=crowd.now
    )
    return collected[reversal_id]


async def give_back(
    crowd: Crowd, transfer_id: int, account: int, points: int, *, is_usable_again: bool = False
) -> int:
    """Give points of a transfer back; return the reversal."""
    wanted = reversals.GiveBack(
        reversal_id=(reversal_id := new_id(crowd.now)),
        transfer_id=transfer_id,
        account_id=account,
        points=points,
        memo="退回",
        maker_id=1,
        checker_id=2,
        source_kind="test",
        source_id=reversal_id,
        is_usable_again=is_usable_again,
    )
    await queries.lock_owned(crowd.session, crowd.community_id, [account])
    await reversals.give_back(
        crowd.session, crowd.community_id, wanted, timezone=SHANGHAI, now=crowd.now
    )
    return reversal_id


async def capture(crowd: Crowd, hold: int, wallet: int, points: int | None = None) -> int:
    """Capture a hold, or a part of it, for the canteen; return the transfer."""
    return await holds.capture_hold(
        crowd.session, crowd.community_id, holds.HoldRef(hold, wallet),
        credit_account_id=crowd.shop_id, maker_id=1, points=points, now=crowd.now,
    )  # fmt: skip
