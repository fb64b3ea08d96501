"""Points that lapse during kills: awards that lapsed before they came, for the worker to clear.

Neighbours who stay at home get them, straight into the database. Through every kill, of the
worker that clears them above all, each must lapse exactly once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.contributions import service as contributions
from app.core.database import make_engine, make_sessionmaker
from app.core.jobs import enqueue
from app.rules import service as rules
from app.setup.queries import lock_demo
from tests.support.awards import make_item

PAUSE = 0.1
PATIENCE = 180
HELD_FOR = 3  # less than a job waits for a lock
POINTS = 7
LAPSED_BEFORE = {"kind": "months", "months": -2}
LOST = (DBAPIError, OSError, TimeoutError)

_LIST_HOMEBODIES = """
    SELECT resident_id FROM residents WHERE community_id = :community_id
    ORDER BY resident_id DESC LIMIT :size
"""
_COUNT_WAITING = """
    SELECT count(*) FROM balances
    WHERE community_id = :community_id AND account_id = ANY(:wallets)
        AND next_expiry_at <= now()
"""
_LOCK_LOTS = """
    SELECT lot_id FROM lots
    WHERE community_id = :community_id AND account_id = ANY(:wallets) AND remaining > 0
    FOR UPDATE
"""
# Whose session waits for those lots, in the middle of the job's transaction.
_LIST_WAITING = """
    SELECT usename FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)) AND NOT granted
"""
_SUM_LINES = """
    SELECT kind, sum(points)::bigint AS points FROM transfers
    WHERE community_id = :community_id
        AND (debit_account_id = ANY(:wallets) OR credit_account_id = ANY(:wallets))
        AND memo = ANY(:memos)
    GROUP BY kind
"""


@dataclass
class Clearing:
    """Awards that lapse at once, and the job that is asked to clear them."""

    engine: AsyncEngine
    size: int
    community_id: int = 0
    wallets: Sequence[int] = ()
    given: Counter[int] = field(default_factory=Counter)
    kills_at_work: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def on(cls, url: str, *, size: int) -> "Clearing":
        return cls(make_engine(url, pool_size=2), size)

    async def find_homebodies(self) -> None:
        """Choose the residents who joined last; the crowd are those who joined first."""
        async with make_sessionmaker(self.engine)() as session:
            demo = await lock_demo(session)
            assert demo is not None
            self.community_id = demo.community_id
            values = {"community_id": self.community_id, "size": self.size}
            self.wallets = (await session.scalars(text(_LIST_HOMEBODIES), values)).all()

    async def keep_going(self) -> None:
        """Give and clear until cancelled; what was in doubt is looked up at the end."""
        while True:
            try:
                async with self.turn:
                    await self._give()
                    await self._ask()
            except LOST:
                await asyncio.sleep(PAUSE)
            await asyncio.sleep(PAUSE)

    async def kill_at_work(self, kill: Callable[[], None], *, user: str) -> None:
        """Kill the worker that signs in as this user in the middle of clearing.

        The lots it is about to clear are held; whichever worker gets the job waits for them, its
        transaction half done. If it is another one, or none comes, it may go on, and the next job
        decides: held for longer than a job waits, the job would be put off again and again.
        """
        async with asyncio.timeout(PATIENCE), self.turn:
            is_caught = False
            while not is_caught:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HELD_FOR):
                        is_caught = await self._catch(kill, user)

    async def _catch(self, kill: Callable[[], None], user: str) -> bool:
        await self._give()
        async with self.engine.connect() as holding:
            values = {"community_id": self.community_id, "wallets": list(self.wallets)}
            await holding.execute(text(_LOCK_LOTS), values)
            while not (waiting := await _list_waiting(holding)):
                await self._ask()
                await asyncio.sleep(PAUSE / 5)
            if user not in waiting:
                return False
            kill()
            self.kills_at_work += 1
            return True

    async def _give(self) -> None:
        now = datetime.now(UTC)
        async with make_sessionmaker(self.engine).begin() as session:
            terms = await rules.get_terms_by_code(session, self.community_id, "survey", at=now)
            lapsing = replace(terms, points=POINTS, expiry=LAPSED_BEFORE, policy_version=None)
            items = [make_item(lapsing, wallet, now=now) for wallet in self.wallets]
            await contributions.award(
                session, self.community_id, items, timezone="Asia/Shanghai", now=now
            )
        self.given.update(self.wallets)

    async def _ask(self) -> None:
        async with make_sessionmaker(self.engine).begin() as session:
            await enqueue(session, "expire_points", key="expire_points")

    async def compare(self) -> None:
        """Wait until nothing waits to lapse; then everything given has lapsed exactly once."""
        async with asyncio.timeout(PATIENCE):
            while await self._count_waiting():
                await self._ask()
                await asyncio.sleep(PAUSE)
        for wallet in self.wallets:
            given, lapsed = await self._sums_of(wallet)
            assert given == lapsed, f"wallet {wallet}: {given} given, {lapsed} lapsed"
            acknowledged = self.given[wallet] * POINTS
            assert given >= acknowledged, f"wallet {wallet}: {given} of {acknowledged} there"

    async def _count_waiting(self) -> int:
        values = {"community_id": self.community_id, "wallets": list(self.wallets)}
        async with make_sessionmaker(self.engine)() as session:
            return int(await session.scalar(text(_COUNT_WAITING), values) or 0)

    async def _sums_of(self, wallet: int) -> tuple[int, int]:
        values = {
            "community_id": self.community_id,
            "wallets": [wallet],
            "memos": ["参加问卷", "积分到期清零"],
        }
        async with make_sessionmaker(self.engine)() as session:
            rows = (await session.execute(text(_SUM_LINES), values)).all()
        sums = {row.kind: row.points for row in rows}
        return sums.get("award", 0), sums.get("expiry", 0)

    async def close(self) -> None:
        await self.engine.dispose()


async def _list_waiting(holding: AsyncConnection) -> Sequence[str]:
    """Return who waits for what this connection holds."""
    return (await holding.scalars(text(_LIST_WAITING))).all()
