"""What people do in two months: every kind of transfer, and holds in every state."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cli.database import OWNER_ROLE
from app.contributions.reversals import Revocation, take_back
from app.core.database import APP_ROLE
from app.ledger.lapsing import service as lapsing
from app.ledger.lapsing.jobs import expire_points
from app.rewards.jobs import expire_vouchers
from tests.audit.taking_part import take_part
from tests.funds.giving import donate
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import capture, give
from tests.ledger.gifts.giving import Givers
from tests.support.awards import NEVER
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, redeem, withdraw

Sessions = async_sessionmaker[AsyncSession]
ONE_MONTH = {"kind": "months", "months": 1}
# Set in the policy that the community began with: it stays the only one.
_ALLOW = """
    UPDATE point_policies SET savings = '{"is_exempt": true, "withdrawal_days": 30}',
        gifts = '{"max_points_per_month": 100}', lowest_points = -30
    WHERE community_id = :id
"""
_OWE = "UPDATE balances SET floor = -30 WHERE community_id = :id AND account_id = :account"


async def live(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    """Begin in November, go on when a month's points have lapsed."""
    async with sessions.begin() as session:
        of = {"id": here.community_id}
        await session.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
        await session.execute(text(_ALLOW), of)
        await session.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))
        await session.execute(text(_OWE), of | {"account": int(here.resident_id("resident-3"))})
    meal = here.reward_id("canteen_meal")
    await _lots(here, sessions, clock, "resident-2", (60, NEVER), (25, ONE_MONTH))
    await redeem(here, "resident-2", meal)
    await _lots(here, sessions, clock, "resident-6", (10, NEVER), (20, ONE_MONTH))
    late = await _spend(here, sessions, clock, "resident-6", hold=900_001, points=25)
    let_pass(here, clock, days=31)
    await expire_vouchers(sessions, now=clock.now)
    await expire_points(sessions, now=clock.now)
    await _undo(here, late, 24)

    await _redeem(here, meal)
    await _owe(here)
    await _save_give_and_donate(here, sessions, clock)
    await _spend_and_return(here, sessions, clock)
    await take_part(here, sessions, clock)
    await _leave(here, sessions, clock)


async def _redeem(here: Neighbourhood, meal: str) -> None:
    """Leave a voucher used at the second go, one given back and one open."""
    await here.give("resident-1", "volunteer_hour", units=7)
    await here.give("resident-1", "volunteer_hour", units=3)
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", meal)
    consumed = await consume(here, voucher["typed_code"])
    await withdraw(here, consumed.json()["verification_id"])
    assert (await consume(here, voucher["typed_code"])).status_code == 200
    back = await redeem(here, "resident-1", meal)
    assert (await give_back(here, "resident-1", back)).status_code == 200
    await redeem(here, "resident-1", meal)


async def _owe(here: Neighbourhood) -> None:
    """Fall into debt, repay a part by an award, be given back a part in two, and undo an award."""
    await here.give("resident-3", "survey")
    for _ in range(2):
        fine = await here.fine("resident-3", units=4)
    award = await here.give("resident-3", "mediation")
    for points in (2, 1):
        await _undo(here, int(fine["transfer_id"]), points)
    await _undo(here, int(award["transfer_id"]), 2)


async def _save_give_and_donate(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    bank = Givers(here, sessions, clock)
    await _lots(here, sessions, clock, "resident-5", (40, NEVER), (20, ONE_MONTH), (60, NEVER))
    await bank.save("resident-5", 70)
    await bank.withdraw("resident-5", 45)
    await bank.give_to("resident-5", "resident-6", 50)
    assert (await donate(here, 5, name="resident-6")).status_code == 201
    # A fine that finds too little in the wallet.
    await _lots(here, sessions, clock, "resident-4", (8, NEVER), (6, ONE_MONTH))
    await bank.save("resident-4", 13)
    fine = await here.fine("resident-4", units=1)
    for points in (1, 1):
        await _undo(here, int(fine["transfer_id"]), points)


async def _spend_and_return(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    """Capture a part of a hold over two lots, and give back in parts what two lots paid."""
    await _lots(here, sessions, clock, "resident-5", (12, NEVER), (9, ONE_MONTH), (30, NEVER))
    await _spend(here, sessions, clock, "resident-5", hold=900_002, points=20, of=30)
    await _lots(here, sessions, clock, "resident-5", (10, ONE_MONTH))
    spent = await _spend(here, sessions, clock, "resident-5", hold=900_003, points=25)
    for points in (7, 11):
        await _undo(here, spent, points)
    async with sessions.begin() as session:
        decay = lapsing.Decay(here.community_id, 50, None, clock.now)
        await lapsing.decay_points(session, decay, after=0, now=clock.now)


async def _leave(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    """Take an award back that is spent in part, and close a wallet."""
    async with sessions.begin() as session:
        crowd = _crowd(here, session, clock.now)
        resident = int(here.resident_id("resident-4"))
        award = await give(crowd, resident, 5, NEVER)
        source = await session.scalar(
            text("SELECT source_id FROM contributions WHERE contribution_id = :id"), {"id": award}
        )
        revocation = Revocation("committee_alone", source or 0, "弄错了", 1)
        (taken,) = await take_back(
            session, here.community_id, revocation, timezone="Asia/Shanghai", now=clock.now
        )
        assert taken.taken_points == 5
        closed = await lapsing.close_accounts_of(
            session, here.community_id, int(here.resident_id("resident-2")),
            memo="注销", maker_id=1, now=clock.now,
        )  # fmt: skip
        assert closed > 0


def _crowd(here: Neighbourhood, session: AsyncSession, now: datetime) -> Crowd:
    return Crowd(session, here, list(here.residents.values()), now)


async def _lots(
    here: Neighbourhood,
    sessions: Sessions,
    clock: Clock,
    name: str,
    *lots: tuple[int, dict[str, Any]],
) -> None:
    async with sessions.begin() as session:
        for points, expiry in lots:
            await give(
                _crowd(here, session, clock.now), int(here.resident_id(name)), points, expiry
            )


async def _spend(
    here: Neighbourhood,
    sessions: Sessions,
    clock: Clock,
    name: str,
    *,
    hold: int,
    points: int,
    of: int | None = None,
) -> int:
    """Hold points and capture all or a part of them; return the transfer."""
    async with sessions.begin() as session:
        crowd = _crowd(here, session, clock.now)
        wallet = int(here.resident_id(name))
        assert await crowd.place_holds([(hold, wallet, of or points)])
        return await capture(crowd, hold, wallet, points)


async def _undo(here: Neighbourhood, transfer: int, points: int) -> None:
    """Let the committee reverse a part of a transfer by hand."""
    await here.post_by_hand(
        {"kind": "reversal", "transfer_id": str(transfer), "points": points,
         "is_our_fault": True, "reason": "记错了"}
    )  # fmt: skip
