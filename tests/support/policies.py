"""A community's policy on points, set through HTTP, and points that follow it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.jobs import JOBS
from tests.support.awards import award, get_terms, make_item
from tests.support.books import assert_books_balance
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.working import work_off, worker_of

Sessions = async_sessionmaker[AsyncSession]
YEAR_END = {"kind": "year_end", "grace_days": 31}
SIX_MONTHS = {"kind": "months", "months": 6}


async def put_policy(here: Neighbourhood, **terms: Any) -> dict[str, Any]:
    """Let the committee set the policy; return what it is now."""
    committee = await here.caller("committee-1")
    answer = await committee.put("/v1/staff/point-policy", terms)
    assert answer.status_code == 200, answer.text
    policy: dict[str, Any] = answer.json()
    return policy


async def run_job(app: FastAPI, name: str) -> None:
    """Let the worker do a job that a schedule asks for."""
    await JOBS[name](worker_of(app), b"")


@dataclass
class Town:
    """A neighbourhood whose clock and worker the test moves."""

    app: FastAPI
    here: Neighbourhood
    clock: Clock

    @property
    def sessions(self) -> Sessions:
        sessions: Sessions = self.app.state.sessionmaker
        return sessions

    @property
    def community_id(self) -> int:
        return self.here.community_id

    def number_of(self, name: str) -> int:
        return int(self.here.resident_id(name))

    async def until(self, moment: datetime) -> None:
        let_pass(self.here, self.clock, seconds=(moment - self.clock.now).total_seconds())

    async def sets(self, **terms: Any) -> dict[str, Any]:
        """Let the committee set the policy and the worker carry it out."""
        policy = await put_policy(self.here, **terms)
        await work_off(self.app)
        return policy

    async def runs(self, name: str) -> None:
        await run_job(self.app, name)

    async def earns(self, name: str, points: int, **changes: Any) -> int:
        """Award under a rule that follows the policy, unless changed; return the lot."""
        now = self.clock.now
        async with self.sessions.begin() as session:
            terms = await get_terms(session, self.here, "survey", at=now, points=points, **changes)
            item = make_item(terms, self.number_of(name), now=now)
            (outcome,) = await award(session, self.here, [item], now=now)
        assert outcome.decision.is_new, outcome.decision.verdict
        return item.contribution_id

    async def read(self, name: str, path: str, **params: Any) -> Any:
        """Return what a page shows somebody."""
        answer = await (await self.here.caller(name)).get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def free(self, name: str) -> int:
        """Return what somebody can spend."""
        points: int = (await self.read(name, "/v1/me/balance"))["available_points"]
        return points

    async def posted(self, name: str) -> int:
        """Return what the book says somebody has."""
        points: int = (await self.read(name, "/v1/me/balance"))["posted_points"]
        return points

    async def told(self, name: str) -> list[str]:
        """Return the bodies of somebody's messages, oldest first."""
        items = (await self.read(name, "/v1/me/messages"))["items"]
        return [message["body"] for message in reversed(items)]

    async def caller(self, name: str) -> Caller:
        return await self.here.caller(name)

    async def ask(self, statement: str, **values: Any) -> Any:
        """Return the first column of the first row that a statement finds in this community."""
        async with self.sessions() as session:
            return await session.scalar(text(statement), {"community": self.community_id, **values})

    async def lapse_of(self, lot_id: int) -> str:
        """Return the last local minute of a lot as `2027-01-31 23:59`, or `never`."""
        found: str = await self.ask(
            "SELECT CASE WHEN expires_at = 'infinity' THEN 'never' ELSE to_char("
            "(expires_at - interval '1 minute') AT TIME ZONE 'Asia/Shanghai',"
            " 'YYYY-MM-DD HH24:MI') END FROM lots"
            " WHERE community_id = :community AND lot_id = :lot",
            lot=lot_id,
        )
        return found

    async def do(self, statement: str, **values: Any) -> None:
        """Change rows in a way that no page offers."""
        async with self.sessions.begin() as session:
            await session.execute(text(statement), {"community": self.community_id, **values})

    async def audit(self) -> None:
        async with self.sessions() as session:
            await assert_books_balance(session, self.community_id)
