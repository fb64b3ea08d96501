"""Two communities behind two applications on one database, and what everybody must have there.

Each application has caches of its own, as two processes have: what one was told, the other must
know by its next request. What is expected is kept here, from the scans alone: an act earns once
if it was scanned as it should be, and else nothing.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.signing import KeyRing
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

SCAN, SCAN_RESIDENT = "/v1/me/check-ins", "/v1/staff/check-ins"
DAILY = "/v1/me/daily-check-in"
GOOD = frozenset({"200", "201"})
# Access tokens last a quarter of an hour.
FRESH_FOR = timedelta(minutes=10)
AT_A_TIME = 4

_LIST_ACTS = """
    SELECT community_id, source_id, resident_id, occasion, granted_points FROM contributions
    WHERE source_kind IN ('activity', 'daily_check_in')
"""
_LIST_WALLETS = """
    SELECT community_id, account_id, posted FROM balances
    JOIN accounts USING (community_id, account_id) WHERE kind = 'wallet'
"""


@dataclass(frozen=True, slots=True)
class Act:
    """What earns once: coming to an activity, or asking for a day."""

    community_id: int
    source_id: int
    resident_id: int
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """A request, which answers it may get, and what it earns if it is let through.

    It has two acts where nobody can know on which side of a moment it will be taken.
    """

    path: str
    body: dict[str, Any] | bytes
    bearer: str
    may: frozenset[str]
    acts: tuple[Act, ...] = ()
    points: frozenset[int] = frozenset()

    @property
    def is_legitimate(self) -> bool:
        """Tell whether no answer but "you have it" is right."""
        return self.may <= GOOD


Answer = tuple[Scan, httpx.Response]


@dataclass(slots=True)
class Town:
    """The communities, both ways in, and all that was scanned."""

    here: Neighbourhood
    elsewhere: Neighbourhood
    fronts: Sequence[httpx.AsyncClient]
    keys: KeyRing
    sessionmaker: async_sessionmaker[AsyncSession]
    clock: Clock
    dice: random.Random
    spare: list[str]
    kind: str = ""
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    expected: dict[Act, int] = field(default_factory=dict)
    numbers: dict[Act, str] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    signed_in_at: datetime | None = None

    @property
    def sent(self) -> int:
        return self.tally.total()

    def advance(self, **by: float) -> datetime:
        """Let time pass; who calls next signs in afresh if their token might have expired."""
        return self.set_time(self.clock.now + timedelta(**by))

    def set_time(self, now: datetime) -> datetime:
        self.clock.now = now
        if self.signed_in_at is None or now - self.signed_in_at > FRESH_FOR:
            self.signed_in_at = now
            self.here.callers.clear()
            self.elsewhere.callers.clear()
        return now

    async def bearer(self, name: str, *, at: Neighbourhood | None = None) -> str:
        """Return what somebody's requests carry."""
        caller = await (at or self.here).caller(name)
        return caller.headers()["Authorization"]

    async def order(self, name: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Let staff do something through either application; return what they were answered."""
        headers = {"Authorization": await self.bearer(name), "Idempotency-Key": fresh_key()}
        front = self.dice.choice(self.fronts)
        answer = await front.post(path, json=body or {}, headers=headers)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    async def fly(self, scans: Iterable[Scan]) -> None:
        """Send scans all at once, half of them each way in, and judge every answer."""
        sent = [self._send(scan, turn) for turn, scan in enumerate(self._shuffled(scans))]
        self._judge(await asyncio.gather(*sent))

    async def overtake(
        self, scans: Iterable[Scan], *, by: Callable[[], Awaitable[Any]], then: Iterable[Scan]
    ) -> None:
        """Send scans a few at a time, let something happen in their midst, and judge all answers.

        `then` are sent the moment that this was answered, while others still fly.
        """
        waiting = list(enumerate(self._shuffled(scans)))
        after = self.dice.randrange(len(waiting))
        answers: list[Answer] = []
        happens = asyncio.Event()

        async def go() -> None:
            while waiting:
                turn, scan = waiting.pop()
                if len(answers) >= after:
                    happens.set()
                answers.append(await self._send(scan, turn))
            happens.set()

        async def happen() -> list[Answer]:
            await happens.wait()
            await by()
            return await asyncio.gather(*(self._send(scan, turn) for turn, scan in enumerate(then)))

        going = asyncio.gather(*(go() for _ in range(AT_A_TIME)))
        later = await happen()
        await going
        self._judge([*answers, *later])

    def _shuffled(self, scans: Iterable[Scan]) -> list[Scan]:
        shuffled = list(scans)
        self.dice.shuffle(shuffled)
        return shuffled

    async def _send(self, scan: Scan, turn: int) -> Answer:
        headers = {"Content-Type": "application/json"}
        if scan.bearer:
            headers["Authorization"] = scan.bearer
        front = self.fronts[turn % len(self.fronts)]
        if isinstance(scan.body, bytes):
            return scan, await front.post(scan.path, content=scan.body, headers=headers)
        return scan, await front.post(scan.path, json=scan.body, headers=headers)

    def _judge(self, answers: Sequence[Answer]) -> None:
        for scan, answer in answers:
            outcome = str(answer.status_code) if answer.is_success else problem_code(answer)
            self.tally[self.kind, outcome] += 1
            assert outcome in scan.may, (
                f"{self.kind}: {outcome}, not {sorted(scan.may)}: {scan.path} {scan.body!r:.300}"
            )
            if outcome == "201":
                self._note(scan, answer.json())
        for scan, answer in answers:
            assert not scan.is_legitimate or self.expected.keys() & scan.acts, (
                f"{self.kind}: {scan}"
            )
            if answer.is_success:
                self._compare_with_first(scan, answer.json())

    def _note(self, scan: Scan, told: dict[str, Any]) -> None:
        assert scan.acts, f"{self.kind}: nothing was to be earned: {told}"
        assert told["is_new"], f"{self.kind}: created, but not new: {told}"
        act = next((act for act in scan.acts if act not in self.expected), None)
        assert act is not None, f"{self.kind}: earned twice: {told}"
        assert told["points_gained"] in scan.points, f"{self.kind}: {told}"
        self.expected[act] = told["points_gained"]
        self.numbers[act] = told["contribution_id"]

    def _compare_with_first(self, scan: Scan, told: dict[str, Any]) -> None:
        same = (told["contribution_id"], told["points_gained"], told["resident_id"])
        first = [
            (self.numbers[act], self.expected[act], str(act.resident_id))
            for act in scan.acts
            if act in self.expected
        ]
        assert same in first, f"{self.kind}: told {same}, was {first}"

    async def compare(self) -> None:
        """Compare every check-in and every balance with what must be there, and nothing else."""
        async with self.sessionmaker() as session:
            acts = (await session.execute(text(_LIST_ACTS))).all()
            wallets = (await session.execute(text(_LIST_WALLETS))).all()
        found = {Act(*row[:4]): row.granted_points for row in acts}
        assert len(acts) == len(found), f"{self.kind}: an act is there twice"
        assert found == self.expected, f"{self.kind}: {differing(found, self.expected)}"
        owed: Counter[tuple[int, int]] = Counter()
        for act, points in self.expected.items():
            if act.resident_id not in self.closed:
                owed[act.community_id, act.resident_id] += points
        there = {(row.community_id, row.account_id): row.posted for row in wallets}
        assert there.keys() >= owed.keys()
        for wallet, posted in there.items():
            assert posted == owed[wallet], f"{self.kind}: {wallet} has {posted}, not {owed[wallet]}"

    async def audit(self) -> None:
        """Recompute both books, in plain Python and as operators do."""
        for community in (self.here, self.elsewhere):
            async with self.sessionmaker() as session:
                await assert_books_balance(session, community.community_id)
                await assert_audit_clean(session, community.community_id)


def differing(found: dict[Act, int], expected: dict[Act, int]) -> str:
    """Say in what two sets of acts differ."""
    extra = [act for act in found if found[act] != expected.get(act)]
    missing = [act for act in expected if act not in found]
    return f"extra or other: {extra[:3]}, missing: {missing[:3]}"


def way_in(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of an application in this process; its faults come as answers."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")
