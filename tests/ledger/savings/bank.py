"""A points bank to test with: policies, points with dates, and what lies where."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.deductions.service import Deduction, deduct
from app.ledger.lapsing.jobs import expire_points
from app.ledger.models import PointPolicy
from tests.support.awards import award, get_terms, make_item
from tests.support.books import assert_ledger_balances
from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

NEVER = {"kind": "never"}
ONE_MONTH = {"kind": "months", "months": 1}
THREE_MONTHS = {"kind": "months", "months": 3}
EXEMPT = {"is_exempt": True, "withdrawal_days": 30}
NOT_EXEMPT = {"is_exempt": False, "withdrawal_days": 30}
FOREVER = datetime.max.replace(tzinfo=UTC)
DEPOSITS, WITHDRAWALS = "/v1/me/savings/deposits", "/v1/me/savings/withdrawals"


def midnight_after(year: int, month: int, day: int) -> datetime:
    """Return when a day ends in Shanghai."""
    return datetime(year, month, day, 16, tzinfo=UTC)


@dataclass(slots=True)
class Bank:
    """A neighbourhood whose point policy can be changed, and whose time passes."""

    here: Neighbourhood
    sessionmaker: async_sessionmaker[AsyncSession]
    clock: Clock

    async def set_policy(self, **parts: Any) -> None:
        """Publish another version; parts left out are as in the version before."""
        async with self.sessionmaker.begin() as session:
            newest = await queries.get_policy(session, self.here.community_id)
            kept = {
                column.name: getattr(newest, column.name)
                for column in PointPolicy.__table__.columns
            }
            changed = {"version": newest.version + 1, "published_at": self.clock.now}
            session.add(PointPolicy(**(kept | changed | parts)))

    async def give(self, name: str, points: int, expiry: dict[str, Any] | None = NEVER) -> None:
        """Give a resident one lot, with an expiry of its own or (None) as the policy says."""
        async with self.sessionmaker.begin() as session:
            terms = await get_terms(session, self.here, "survey", at=self.clock.now)
            if expiry is not None:
                terms = replace(terms, expiry=expiry, policy_version=None, expiry_since=None)
            act = replace(terms, points=points)
            item = make_item(act, int(self.here.resident_id(name)), now=self.clock.now)
            await award(session, self.here, [item], now=self.clock.now)

    async def fine(self, name: str, points: int) -> int:
        """Take points from a resident; return how many were there to be taken."""
        async with self.sessionmaker.begin() as session:
            return await self.fine_within(session, name, points)

    async def fine_within(self, session: AsyncSession, name: str, points: int) -> int:
        """Take points in a transaction that is not over yet."""
        number = new_id(self.clock.now)
        deduction = Deduction(
            withdrawal_id=new_id(self.clock.now),
            deduction_id=number,
            account_id=int(self.here.resident_id(name)),
            points=points,
            source_kind="contribution",
            source_id=number,
            memo="垃圾分类错误",
            rule_version_id=1,
            maker_id=1,
            checker_id=2,
            occurred_at=self.clock.now,
        )
        return await deduct(session, self.here.community_id, deduction, now=self.clock.now)

    async def move(
        self, name: str, path: str, points: Any, *, key: str | None = None
    ) -> httpx.Response:
        caller = await self.here.caller(name)
        return await caller.post(path, {"points": points}, key=key or fresh_key())

    async def save(self, name: str, points: int) -> dict[str, Any]:
        return await self._moved(name, DEPOSITS, points)

    async def withdraw(self, name: str, points: int) -> dict[str, Any]:
        return await self._moved(name, WITHDRAWALS, points)

    async def _moved(self, name: str, path: str, points: int) -> dict[str, Any]:
        answer = await self.move(name, path, points)
        assert answer.status_code == 201, answer.text
        moved: dict[str, Any] = answer.json()
        return moved

    async def figures(self, name: str) -> tuple[int, int, int]:
        """Return what is free in the wallet, what is saved and what is owed, as its owner sees."""
        read = await self.get(name, "/v1/me/balance")
        return read["available_points"], read["savings_points"], read["debt_points"]

    async def get(self, name: str, path: str) -> Any:
        caller = await self.here.caller(name)
        answer = await caller.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def lots(self, name: str, kind: str = "wallet") -> list[tuple[int, datetime]]:
        """Return (points, date) of what lies in somebody's wallet or savings."""
        statement = """
            SELECT remaining, lots.expires_at FROM lots
                JOIN accounts USING (community_id, account_id)
            WHERE community_id = :community_id AND owner_id = :owner_id AND kind = :kind
                AND remaining > 0
            ORDER BY lots.expires_at, remaining
        """
        values = {
            "community_id": self.here.community_id,
            "owner_id": int(self.here.resident_id(name)),
            "kind": kind,
        }
        async with self.sessionmaker() as session:
            rows = (await session.execute(text(statement), values)).all()
        return [(row.remaining, row.expires_at.astimezone(UTC)) for row in rows]

    async def let_pass(self, **by: float) -> None:
        """Let time pass and the nightly job post what has lapsed."""
        let_pass(self.here, self.clock, **by)
        await expire_points(self.sessionmaker, now=self.clock.now)

    async def audit(self) -> None:
        """Recompute the ledger; `fine` takes points without a contribution."""
        async with self.sessionmaker() as session:
            await assert_ledger_balances(session, self.here.community_id)
