"""A book to seal: residents with many awards, of which they have spent the oldest in a shop.

Awards are written as the ledger's benchmark writes them; what is written is what awards and
redemptions through the service would have left, so that the audit finds nothing.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.bench.ledger.town import Grant, Town, Wallets, block, fill_wallets, found_town

AWARDS, SPENDS = 45, 5
EACH = AWARDS + SPENDS
POINTS = 50
REWARD, MEAL = "canteen_meal", "社区食堂午餐一份"
BEFORE = timedelta(days=60)
DAY = timedelta(days=1)
# Blocks of numbers: the wallets', the redemptions', the captures', then one for each award.
WALLETS, HOLDS, CAPTURES, LOTS = 0, 1, 1 + SPENDS, 1 + 2 * SPENDS
_ADD_RESIDENTS = """
    INSERT INTO residents (community_id, resident_id, building_id, masked_name, state, joined_at)
    SELECT :community, :first + k, 1, '张*', 'active', :began
    FROM generate_series(0::bigint, :wallets - 1) AS k
"""
_REDEEM = [
    """
    INSERT INTO vouchers (community_id, voucher_id, reward_id, resident_id, typed_code, points,
        state, issued_at, valid_until, used_at, used_shop_id)
    SELECT :community, :hold + k, :reward, :first + k, 'V' || (:hold + k), :points, 'used', :now,
        CAST(:now AS timestamptz) + interval '30 days', :now, :shop
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, captured_points,
        captures, state, created_at, expires_at, ended_at)
    SELECT :community, :hold + k, :first + k, 'redemption', :memo, :points, :points, 1,
        'captured', :now, CAST(:now AS timestamptz) + interval '30 days', :now
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO hold_lots (community_id, hold_id, lot_id, points)
    SELECT :community, :hold + k, :lot + k, :points
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
        credit_account_id, points, source_kind, source_id, leg, memo, maker_id, occurred_at,
        posted_at, salt)
    SELECT :community, :capture + k, :capture + k, 'spend', :first + k, :shop, :points, 'hold',
        :hold + k, 1, :memo, 1, :now, :now, uuid_send(gen_random_uuid())
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO seal_queue (community_id, transfer_id)
    SELECT :community, :capture + k FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
    SELECT :community, :capture + k, :lot + k, :points
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    UPDATE lots SET remaining = 0
    WHERE community_id = :community AND lot_id BETWEEN :lot AND :lot + :wallets - 1
    """,
    """
    UPDATE balances SET posted = posted - :points, lots_total = lots_total - :points,
        last_spent_at = :now
    WHERE community_id = :community AND account_id BETWEEN :first AND :first + :wallets - 1
    """,
]


async def found_book(session: AsyncSession, *, residents: int, now: datetime) -> Town:
    """Make a community with `EACH` transfers for each resident, all waiting to be sealed."""
    began = now - BEFORE
    town = await found_town(session, "sealed", now=began)
    wallets = Wallets(block(now, WALLETS), residents)
    grants = [
        Grant(block(now, LOTS + number), POINTS, began + (number + 1) * DAY)
        for number in range(AWARDS)
    ]
    people = {"community": town.community_id, "first": wallets.first, "wallets": residents}
    await session.execute(text(_ADD_RESIDENTS), people | {"began": began})
    await fill_wallets(session, town, wallets, grants, now=now)
    for number in range(SPENDS):
        await _redeem(session, town, wallets, number, now=now)
    return town


async def _redeem(
    session: AsyncSession, town: Town, wallets: Wallets, number: int, *, now: datetime
) -> None:
    """Let everybody buy something for the oldest points that they have left."""
    values = {
        "community": town.community_id,
        "first": wallets.first,
        "wallets": wallets.count,
        "hold": block(now, HOLDS + number),
        "capture": block(now, CAPTURES + number),
        "lot": block(now, LOTS + number),
        "reward": town.created.rewards[REWARD],
        "shop": town.shop_id,
        "points": POINTS,
        "memo": MEAL,
        "now": now,
    }
    for statement in _REDEEM:
        known = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), known)
