"""Ending points in batches, each in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.lapses import NEVER
from app.ledger.lapsing import queries
from app.ledger.models import MACHINE, AccountKind
from app.ledger.salts import new_salt

BATCH = 500
LAPSED = "积分到期清零"


@dataclass(frozen=True, slots=True)
class Decay:
    """A community's half-life: what has been unused since then loses `percent`."""

    community_id: int
    percent: int
    decay_since: datetime | None
    unused_since: datetime


async def expire_points(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """Post what has lapsed in up to 500 accounts; return how many accounts were seen to."""
    accounts = await queries.lock_lapsed(session, community_id, now=now, size=BATCH)
    if accounts:
        await queries.lapse(
            session, community_id, _rows(accounts, LAPSED, MACHINE, now),
            source_kind="expiry", until=now, now=now,
        )  # fmt: skip
    return len(accounts)


async def decay_points(session: AsyncSession, decay: Decay, *, after: int, now: datetime) -> int:
    """Cut what lies unused in the next 500 accounts; return the last one, or 0 if none."""
    accounts = await ledger_queries.list_accounts(
        session, decay.community_id, after=after, size=BATCH
    )
    wallets = await queries.lock_unused(
        session, decay.community_id,
        [row.account_id for row in accounts if row.kind == AccountKind.WALLET],
        decay_since=decay.decay_since, unused_since=decay.unused_since, now=now,
    )  # fmt: skip
    if wallets:
        await queries.decay(
            session, decay.community_id,
            _rows(wallets, f"积分长期未使用，减少 {decay.percent}%", MACHINE, now),
            percent=decay.percent, decay_since=decay.decay_since,
            unused_since=decay.unused_since, now=now,
        )  # fmt: skip
    return int(accounts[-1].account_id) if accounts else 0


async def close_accounts_of(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    *,
    memo: str,
    maker_id: int,
    now: datetime,
) -> int:
    """Let all of an owner's points lapse that no hold pins, savings too; return how many."""
    await ledger_queries.lock_owned(session, community_id, [owner_id])
    # Read anew once locked: savings may have been opened by whom we waited for.
    owned = await ledger_queries.lock_owned(session, community_id, [owner_id])
    if not owned:
        return 0
    rows = _rows([row.account_id for row in owned], memo, maker_id, now)
    lapsed = await queries.lapse(
        session, community_id, rows, source_kind="closure", until=NEVER, now=now
    )
    return sum(lapsed.values())


def _rows(accounts: Sequence[int], memo: str, maker_id: int, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "item_id": new_id(now),
            "account_id": account_id,
            "memo": memo,
            "maker_id": maker_id,
            "salt": new_salt(),
        }
        for account_id in accounts
    ]
