"""The catalogue, vouchers, and what becomes of those that no shop has confirmed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.codes import Code, CodeKind, link_of
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, page_of, read_cursor
from app.core.signing import KeyRing
from app.ledger.holds import service as holds
from app.ledger.models import HoldState
from app.rewards import queries
from app.rewards.errors import (
    RewardNotFound,
    VoucherCancelled,
    VoucherExpired,
    VoucherNotFound,
    VoucherUsed,
)
from app.rewards.models import Reward, Voucher, VoucherState
from app.rewards.schemas import RewardRead, VoucherRead
from app.rewards.typed_codes import show

PURPOSE = "redemption"
EXPIRY_BATCH = 500


async def list_rewards(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[RewardRead]:
    """Return the catalogue, cheapest first."""
    after = read_cursor(cursor, 2) or (0, 0)
    rows = await queries.list_rewards(
        session, actor.community, after=(after[0], after[1]), size=size + 1
    )
    return page_of(RewardRead, rows, size, lambda row: (row.price_points, row.reward_id))


async def list_open_to_me(session: AsyncSession, actor: Actor, *, size: int) -> list[RewardRead]:
    """Return what the caller could redeem with points enough: in stock, within their limit."""
    rows = await queries.list_open_to(session, actor.community, actor.resident, size=size)
    return [RewardRead.model_validate(row) for row in rows]


async def get_reward(session: AsyncSession, actor: Actor, reward_id: int) -> Reward:
    """Return a reward of the caller's community; raises RewardNotFound."""
    reward = await queries.get_reward(session, actor.community, reward_id)
    if reward is None:
        raise RewardNotFound
    return reward


async def list_vouchers(
    session: AsyncSession,
    actor: Actor,
    *,
    cursor: str | None,
    size: int,
    keys: KeyRing,
    base_url: str,
    now: datetime,
) -> Page[VoucherRead]:
    """Return the caller's vouchers, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_vouchers(
        session, actor.community, actor.resident, before=before, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row[0].voucher_id,))
    read = [
        describe_voucher(voucher, reward.name, keys, base_url=base_url, now=now)
        for voucher, reward in items
    ]
    return Page(items=read, next_cursor=next_cursor)


async def get_own_voucher(
    session: AsyncSession, actor: Actor, voucher_id: int
) -> tuple[Voucher, Reward]:
    """Return a voucher of the caller; another's is as good as none."""
    found = await queries.get_voucher(session, actor.community, voucher_id)
    if found is None or found[0].resident_id != actor.resident:
        raise VoucherNotFound
    return found


async def cancel_voucher(
    session: AsyncSession, actor: Actor, voucher_id: int, *, now: datetime
) -> tuple[Voucher, Reward]:
    """Give an unused voucher back: the same lots are free again, the stock too."""
    voucher = await queries.lock_voucher(session, actor.community, voucher_id)
    if voucher is None or voucher.resident_id != actor.resident:
        raise VoucherNotFound
    refuse_unless_issued(voucher, now)
    await _end(session, actor.community, [voucher], VoucherState.CANCELLED, now)
    await session.refresh(voucher)
    return voucher, await get_reward(session, actor, voucher.reward_id)


async def cancel_vouchers_of(
    session: AsyncSession, community_id: int, resident_id: int, *, now: datetime
) -> int:
    """Cancel every unused voucher of a resident who leaves; return how many."""
    vouchers = await queries.lock_issued_vouchers(session, community_id, resident_id)
    if vouchers:
        await _end(session, community_id, vouchers, VoucherState.CANCELLED, now)
    return len(vouchers)


def refuse_unless_issued(voucher: Voucher | Record, now: datetime) -> None:
    """Raise what stands in the way of using or cancelling a voucher."""
    match VoucherState(voucher.state):
        case VoucherState.USED:
            used_at = None if voucher.used_at is None else voucher.used_at.isoformat()
            raise VoucherUsed(used_at=used_at)
        case VoucherState.CANCELLED:
            raise VoucherCancelled
        case VoucherState.EXPIRED:
            raise VoucherExpired
        case VoucherState.ISSUED:
            if voucher.valid_until <= now:
                raise VoucherExpired


async def expire_vouchers(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """End up to 500 vouchers past their date; return how many. Safe to repeat."""
    lapsed = await queries.lock_lapsed_vouchers(session, community_id, now=now, size=EXPIRY_BATCH)
    if lapsed:
        await _end(session, community_id, lapsed, VoucherState.EXPIRED, now)
    return len(lapsed)


async def _end(
    session: AsyncSession,
    community_id: int,
    vouchers: Sequence[Voucher],
    state: VoucherState,
    now: datetime,
) -> None:
    pinned = [holds.HoldRef(voucher.voucher_id, voucher.resident_id) for voucher in vouchers]
    is_expired = state is VoucherState.EXPIRED
    hold_state = HoldState.EXPIRED if is_expired else HoldState.RELEASED
    await holds.release_holds(session, community_id, pinned, state=hold_state, now=now)
    voucher_ids = [voucher.voucher_id for voucher in vouchers]
    await queries.end_vouchers(session, community_id, voucher_ids, state=state, now=now)
    reward_ids = [voucher.reward_id for voucher in vouchers]
    await queries.return_to_stock(session, community_id, reward_ids)


def state_at(voucher: Voucher | Record, now: datetime) -> VoucherState:
    """Return where a voucher stands, whether or not the job has ended it yet."""
    has_lapsed = voucher.state == VoucherState.ISSUED and voucher.valid_until <= now
    return VoucherState.EXPIRED if has_lapsed else VoucherState(voucher.state)


def voucher_token(voucher: Voucher, keys: KeyRing, *, now: datetime) -> str:
    """Return the signed code of a voucher."""
    code = Code(CodeKind.VOUCHER, voucher.community_id, voucher.voucher_id, voucher.valid_until)
    return keys.sign_code(code, now=now)


def describe_voucher(
    voucher: Voucher, reward_name: str, keys: KeyRing, *, base_url: str, now: datetime
) -> VoucherRead:
    """Return a voucher as its owner sees it."""
    token = voucher_token(voucher, keys, now=now)
    return VoucherRead(
        voucher_id=voucher.voucher_id,
        reward_id=voucher.reward_id,
        reward_name=reward_name,
        points=voucher.points,
        state=state_at(voucher, now),
        typed_code=show(voucher.typed_code),
        token=token,
        link=link_of(token, base_url=base_url),
        issued_at=voucher.issued_at,
        valid_until=voucher.valid_until,
        used_at=voucher.used_at,
    )
