"""Redeeming: points for a voucher, many at the same moment.

A desk hands what residents ask for to the posting lane; no transaction is open meanwhile.
"""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Permission
from app.core.callers import Caller, find_caller
from app.core.idempotency import Answer, Once
from app.core.lane import Lane
from app.core.metrics import LaneMetrics
from app.core.problem_handlers import ServiceBusy
from app.rewards.posting import CallerChanged, Printing, Redemption, post_redemptions

LANE = "redemptions"
ROUNDS = 4


class RedeemDesk:
    """Takes the redemptions of this process; `state` is the application's."""

    def __init__(self, state: Any, metrics: LaneMetrics) -> None:
        self._state = state
        printing = Printing(state.keys, state.settings.public_base_url)
        self.lane: Lane[Redemption, Answer] = Lane(
            self._sessions, partial(post_redemptions, printing=printing), metrics.of(LANE)
        )

    async def redeem(self, caller: Caller, reward_id: int, once: Once, *, now: datetime) -> Answer:
        """Hold the price and issue a voucher; judged anew where the caller is not who they were."""
        for _ in range(ROUNDS):
            redemption = Redemption(caller, caller.actor.resident, reward_id, once, now)
            try:
                return await self.lane.submit(caller.actor.community, redemption)
            except CallerChanged:
                self._state.callers.forget(caller.claims)
                caller = await find_caller(self._state, caller.claims, Permission.REWARDS_REDEEM)
        raise ServiceBusy

    def _sessions(self) -> async_sessionmaker[AsyncSession]:
        sessionmaker: async_sessionmaker[AsyncSession] = self._state.sessionmaker
        return sessionmaker
