"""SQL of rewards and vouchers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.queries import who_stands
from app.core.database import Record
from app.core.idempotency import Answer
from app.core.queries import JOIN_STORED_ANSWERS, STORE_ANSWERS
from app.ledger.holds.queries import PLACE_COVERED
from app.ledger.queries import AVAILABLE
from app.rewards.models import Reward, RewardState, Voucher, VoucherState

_RETURN_STOCK = """
    WITH back AS (
        SELECT reward_id, count(*) AS pieces
        FROM unnest(CAST(:reward_ids AS bigint[])) AS reward_id GROUP BY reward_id),
    locked AS (
        SELECT reward_id, pieces FROM rewards JOIN back USING (reward_id)
        WHERE community_id = :community_id AND stock_left IS NOT NULL
        ORDER BY reward_id FOR NO KEY UPDATE OF rewards)
    UPDATE rewards SET stock_left = stock_left + locked.pieces FROM locked
    WHERE community_id = :community_id AND rewards.reward_id = locked.reward_id
"""

# LIMIT tells the planner how many rows come, as in ledger.queries.
_LOOK_AT_REDEMPTIONS = text(f"""
    SELECT caller.is_signed_in, caller.resident_id, caller.grants AS roles,
        stored.request_hash, stored.status, CAST(stored.answer AS text) AS body,
        name, state, price_points, stock_left, per_resident_limit, voucher_days
    FROM (SELECT * FROM unnest(
            CAST(:session_ids AS bigint[]), CAST(:person_ids AS bigint[]),
            CAST(:reward_ids AS bigint[]), CAST(:operations AS text[]), CAST(:keys AS text[]))
            WITH ORDINALITY AS row(session_id, person_id, reward_id, operation, key, number)
        LIMIT cardinality(CAST(:session_ids AS bigint[]))) AS item
        LEFT JOIN LATERAL (SELECT true AS is_signed_in, who.* FROM ({
            who_stands(session="item.session_id", person="item.person_id",
                community="CAST(:community_id AS bigint)")
        }) AS who) AS caller ON true
        {JOIN_STORED_ANSWERS}
        LEFT JOIN rewards ON rewards.community_id = :community_id
            AND rewards.reward_id = item.reward_id
    ORDER BY number
""")  # fmt: skip  # noqa: S608 - fragments of ours

# The stock is locked here, after the balances. What is sold out is not locked: a row that was
# emptied while this waited for it is passed over.
_READ_UNDER_LOCK = text(f"""
    WITH shelf AS MATERIALIZED (
        SELECT reward_id, stock_left FROM rewards
        WHERE community_id = :community_id AND reward_id = ANY(CAST(:reward_ids AS bigint[]))
            AND state = 'on_sale' AND stock_left > 0
        ORDER BY reward_id
        FOR NO KEY UPDATE)
    SELECT {AVAILABLE} AS available_points, shelf.stock_left AS pieces,
        CASE WHEN is_limited THEN (
            SELECT count(*) FROM vouchers
            WHERE vouchers.community_id = :community_id
                AND vouchers.resident_id = item.resident_id
                AND vouchers.reward_id = item.reward_id AND state IN ('issued', 'used'))
        ELSE 0 END AS redeemed,
        stored.request_hash, stored.status, CAST(stored.answer AS text) AS body
    FROM (SELECT * FROM unnest(
            CAST(:person_ids AS bigint[]), CAST(:resident_ids AS bigint[]),
            CAST(:reward_ids AS bigint[]), CAST(:limited AS boolean[]),
            CAST(:operations AS text[]), CAST(:keys AS text[])) WITH ORDINALITY
            AS row(person_id, resident_id, reward_id, is_limited, operation, key, number)
        LIMIT cardinality(CAST(:person_ids AS bigint[]))) AS item
        JOIN balances ON balances.community_id = :community_id
            AND balances.account_id = item.resident_id
        LEFT JOIN shelf ON shelf.reward_id = item.reward_id
        {JOIN_STORED_ANSWERS}
    ORDER BY number
""")  # noqa: S608 - fragments of ours

# Each hold carries its voucher's number. The rows of the stock are locked already.
_ISSUE_VOUCHERS = text(f"""
    WITH {PLACE_COVERED},
    piece AS (
        SELECT * FROM unnest(CAST(:voucher_ids AS bigint[]), CAST(:reward_ids AS bigint[]),
            CAST(:typed_codes AS text[])) AS row(item_id, reward_id, typed_code)),
    voucher AS (
        INSERT INTO vouchers (community_id, voucher_id, reward_id, resident_id, typed_code,
            points, state, issued_at, valid_until)
        SELECT :community_id, item_id, reward_id, account_id, typed_code, points, 'issued', :now,
            expires_at
        FROM item JOIN piece USING (item_id)),
    stock AS (
        UPDATE rewards SET stock_left = stock_left - taken.pieces
        FROM (SELECT reward_id, count(*) AS pieces FROM piece GROUP BY reward_id) AS taken
        WHERE community_id = :community_id AND rewards.reward_id = taken.reward_id
            AND stock_left IS NOT NULL),
    answer AS ({STORE_ANSWERS})
    SELECT (SELECT count(*) FROM covered) AS held, (SELECT count(*) FROM answer) AS stored
""")  # noqa: S608 - fragments of ours


class Asked(NamedTuple):
    """Who asks for which reward, and under which key."""

    session_id: int
    person_id: int
    resident_id: int
    reward_id: int
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class Issue:
    """A voucher to issue, what its hold says, and the answer to store."""

    voucher: Voucher
    purpose: str
    memo: str
    asked: Asked
    request_hash: bytes
    answer: Answer


async def look_at_redemptions(
    session: AsyncSession, community_id: int, asked: Sequence[Asked]
) -> Sequence[Record]:
    """Return who asks, what is stored under the key and the reward, of each in their order."""
    values = {
        "community_id": community_id,
        "session_ids": [one.session_id for one in asked],
        "person_ids": [one.person_id for one in asked],
        "reward_ids": [one.reward_id for one in asked],
        "operations": [one.operation for one in asked],
        "keys": [one.key for one in asked],
    }
    return (await session.execute(_LOOK_AT_REDEMPTIONS, values)).all()


async def read_under_lock(
    session: AsyncSession,
    community_id: int,
    asked: Sequence[Asked],
    limited: Sequence[bool],
    *,
    now: datetime,
) -> Sequence[Record]:
    """Lock the stock that is left; return (available_points, pieces, redeemed) of each.

    And what is stored under the key by now. The caller holds the balance rows. `redeemed` is
    counted only where it is `limited`.
    """
    values = {
        "community_id": community_id,
        "person_ids": [one.person_id for one in asked],
        "resident_ids": [one.resident_id for one in asked],
        "reward_ids": [one.reward_id for one in asked],
        "limited": list(limited),
        "operations": [one.operation for one in asked],
        "keys": [one.key for one in asked],
        "now": now,
    }
    return (await session.execute(_READ_UNDER_LOCK, values)).all()


async def issue_vouchers(
    session: AsyncSession, community_id: int, issues: Sequence[Issue], *, now: datetime
) -> Record:
    """Hold, issue, take from stock and store answers; return how many were (held, stored)."""
    holds = [
        {
            "item_id": issue.voucher.voucher_id,
            "account_id": issue.voucher.resident_id,
            "points": issue.voucher.points,
            "purpose": issue.purpose,
            "memo": issue.memo,
            "expires_at": issue.voucher.valid_until.isoformat(),
        }
        for issue in issues
    ]
    values = {
        "community_id": community_id,
        "now": now,
        "holds": json.dumps(holds),
        "voucher_ids": [issue.voucher.voucher_id for issue in issues],
        "reward_ids": [issue.voucher.reward_id for issue in issues],
        "typed_codes": [issue.voucher.typed_code for issue in issues],
        "caller_ids": [issue.asked.person_id for issue in issues],
        "operations": [issue.asked.operation for issue in issues],
        "keys": [issue.asked.key for issue in issues],
        "request_hashes": [issue.request_hash for issue in issues],
        "statuses": [issue.answer.status for issue in issues],
        "bodies": [issue.answer.body for issue in issues],
    }
    return (await session.execute(_ISSUE_VOUCHERS, values)).one()


# The shelf of the home page: what RewardRead shows of a reward.
_LIST_OPEN_TO = text("""
    SELECT reward_id, kind, name, description, price_points, stock_left, per_resident_limit,
        voucher_days
    FROM rewards
    WHERE community_id = :community_id AND state = 'on_sale'
        AND (stock_left IS NULL OR stock_left > 0)
        AND (per_resident_limit IS NULL OR per_resident_limit > (
            SELECT count(*) FROM vouchers
            WHERE vouchers.community_id = :community_id AND vouchers.resident_id = :resident_id
                AND vouchers.reward_id = rewards.reward_id
                AND vouchers.state IN ('issued', 'used')))
    ORDER BY price_points, reward_id
    LIMIT :size
""")


async def get_reward(session: AsyncSession, community_id: int, reward_id: int) -> Reward | None:
    return await session.get(Reward, (community_id, reward_id))


async def list_rewards(
    session: AsyncSession, community_id: int, *, after: tuple[int, int], size: int
) -> Sequence[Reward]:
    """Return what is on offer, cheapest first; `after` is (price, number) of the last one."""
    price, reward_id = after
    statement = (
        select(Reward)
        .where(
            Reward.community_id == community_id,
            Reward.state == RewardState.ON_SALE,
            or_(
                Reward.price_points > price,
                (Reward.price_points == price) & (Reward.reward_id > reward_id),
            ),
        )
        .order_by(Reward.price_points, Reward.reward_id)
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def list_open_to(
    session: AsyncSession, community_id: int, resident_id: int, *, size: int
) -> Sequence[Record]:
    """Return what a resident could redeem with points enough, cheapest first."""
    values = {"community_id": community_id, "resident_id": resident_id, "size": size}
    return (await session.execute(_LIST_OPEN_TO, values)).all()


async def return_to_stock(
    session: AsyncSession, community_id: int, reward_ids: Sequence[int]
) -> None:
    """Put back one piece per entry."""
    values = {"community_id": community_id, "reward_ids": list(reward_ids)}
    await session.execute(text(_RETURN_STOCK), values)


async def list_vouchers(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[tuple[Voucher, Reward]]:
    """Return a resident's vouchers with their rewards, newest first."""
    statement = (
        select(Voucher, Reward)
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .where(
            Voucher.community_id == community_id,
            Voucher.resident_id == resident_id,
            Voucher.voucher_id < before,
        )
        .order_by(Voucher.voucher_id.desc())
        .limit(size)
    )
    return [(voucher, reward) for voucher, reward in (await session.execute(statement)).all()]


async def get_voucher(
    session: AsyncSession, community_id: int, voucher_id: int
) -> tuple[Voucher, Reward] | None:
    """Return a voucher with its reward."""
    statement = (
        select(Voucher, Reward)
        .join(
            Reward,
            (Reward.community_id == Voucher.community_id) & (Reward.reward_id == Voucher.reward_id),
        )
        .where(Voucher.community_id == community_id, Voucher.voucher_id == voucher_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_typed_code(session: AsyncSession, community_id: int, typed_code: str) -> int | None:
    """Return the number of the voucher with this typed code."""
    statement = select(Voucher.voucher_id).where(
        Voucher.community_id == community_id, Voucher.typed_code == typed_code
    )
    return await session.scalar(statement)


async def lock_voucher(session: AsyncSession, community_id: int, voucher_id: int) -> Voucher | None:
    """Return a voucher, locked until the transaction ends."""
    statement = (
        select(Voucher)
        .where(Voucher.community_id == community_id, Voucher.voucher_id == voucher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def lock_issued_vouchers(
    session: AsyncSession, community_id: int, resident_id: int
) -> Sequence[Voucher]:
    """Return a resident's vouchers that are neither used nor ended, locked."""
    statement = (
        select(Voucher)
        .where(
            Voucher.community_id == community_id,
            Voucher.resident_id == resident_id,
            Voucher.state == VoucherState.ISSUED,
        )
        .order_by(Voucher.voucher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def lock_lapsed_vouchers(
    session: AsyncSession, community_id: int, *, now: datetime, size: int
) -> Sequence[Voucher]:
    """Return vouchers past their date that nobody else is working on, locked."""
    statement = (
        select(Voucher)
        .where(
            Voucher.community_id == community_id,
            Voucher.state == VoucherState.ISSUED,
            Voucher.valid_until <= now,
        )
        .order_by(Voucher.valid_until)
        .limit(size)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (await session.scalars(statement)).all()


async def list_communities_with_lapsed(session: AsyncSession, *, now: datetime) -> Sequence[int]:
    """Return the communities that have vouchers past their date."""
    statement = (
        select(Voucher.community_id)
        .where(Voucher.state == VoucherState.ISSUED, Voucher.valid_until <= now)
        .distinct()
        .order_by(Voucher.community_id)
    )
    return (await session.scalars(statement)).all()


async def end_vouchers(
    session: AsyncSession,
    community_id: int,
    voucher_ids: Sequence[int],
    *,
    state: VoucherState,
    now: datetime,
) -> None:
    """Close vouchers that were not used."""
    statement = (
        update(Voucher)
        .where(Voucher.community_id == community_id, Voucher.voucher_id.in_(voucher_ids))
        .values(state=state, ended_at=now)
    )
    await session.execute(statement)
