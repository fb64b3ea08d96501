"""Residents who check in through a kill: each asks again until there is an answer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.caller import Caller, sign_in

PAUSE = 0.2
PATIENCE = 180
DAILY = "每日签到"
REFRESH_AFTER = 600


@dataclass
class Round:
    """What happened around one kill."""

    acknowledged_before: int = 0
    in_doubt: int = 0
    refused: int = 0
    killed_at: float = 0
    recovered_at: float = 0

    @property
    def recovery_seconds(self) -> float:
        return self.recovered_at - self.killed_at


@dataclass
class Crowd:
    """Demo residents signed in, and what the service has acknowledged to each of them.

    `acknowledged` is (resident, what for) → the contribution that the answer named.
    """

    http: httpx.AsyncClient
    worker: Caller = field(init=False)
    residents: dict[str, Caller] = field(default_factory=dict)
    lines_before: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)
    signed_in_at: float = 0

    async def come(self, size: int) -> None:
        """Wait for the service, then sign in."""
        await until_ready(self.http)
        self.signed_in_at = time.monotonic()
        self.worker = await sign_in(self.http, "worker-1")
        names = [f"resident-{number}" for number in range(1, size + 1)]
        for name in names:
            self.residents[name] = await sign_in(self.http, name)
            self.lines_before[name] = len(await statement_of(self.residents[name]))

    async def announce(self, number: int) -> dict[str, str]:
        """Let the worker announce activities; return title → the poster's code."""
        await self._refresh_if_old()
        now = datetime.now(UTC)
        titles = [f"打扫 {now:%H%M%S}-{turn}" for turn in range(number)]
        return {title: await _announce(self.worker, title, now) for title in titles}

    async def _refresh_if_old(self) -> None:
        if time.monotonic() - self.signed_in_at < REFRESH_AFTER:
            return
        self.signed_in_at = time.monotonic()
        for caller in (self.worker, *self.residents.values()):
            body = {"refresh_token": caller.tokens["refresh_token"]}
            answer = await self.http.post("/v1/auth/refresh", json=body)
            assert answer.status_code == 200, answer.text
            caller.tokens = answer.json()

    async def check_in(
        self, posters: dict[str, str], *, kill: Callable[[], Awaitable[None]], after: int
    ) -> Round:
        """Let everybody check in everywhere, all at once; kill after so many answers."""
        round_ = Round()

        async def go(name: str) -> None:
            todo = [(DAILY, ""), *posters.items()]
            random.shuffle(todo)
            for what, code in todo:
                if (name, what) in self.acknowledged:
                    continue
                self.acknowledged[name, what] = await self._persist(name, what, code, round_)
                round_.acknowledged_before += not round_.killed_at
                if round_.acknowledged_before == after and not round_.killed_at:
                    round_.killed_at = time.monotonic()
                    await kill()
                    round_.killed_at = time.monotonic()

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(go(name) for name in self.residents))
        assert round_.killed_at, f"all is done before {after} answers: nothing was killed"
        return round_

    async def _persist(self, name: str, what: str, code: str, round_: Round) -> str:
        """Ask until there is an answer; what was never interrupted must be new."""
        was_interrupted = False
        while (answer := await self._ask(name, what, code)) is None:
            was_interrupted = True
            round_.refused += 1
            await asyncio.sleep(PAUSE)
        told = answer.json()
        assert told["is_new"] == (answer.status_code == 201), answer.text
        assert told["is_new"] or was_interrupted, f"{name} asked once for {what}: {answer.text}"
        round_.in_doubt += not told["is_new"]
        if was_interrupted and not round_.recovered_at:
            round_.recovered_at = time.monotonic()
        return str(told["contribution_id"])

    async def _ask(self, name: str, what: str, code: str) -> httpx.Response | None:
        """Return the answer, or None where a phone would try again."""
        caller = self.residents[name]
        try:
            if what == DAILY:
                answer = await caller.post("/v1/me/daily-check-in")
            else:
                answer = await caller.post("/v1/me/check-ins", {"code": code})
        except httpx.TransportError:
            return None
        if answer.status_code == 503:
            return None
        assert answer.status_code in (200, 201), answer.text
        return answer

    async def compare(self) -> None:
        """Compare what was acknowledged with what the statements say: each exactly once."""
        await asyncio.gather(*(self._compare(name) for name in self.residents))

    async def _compare(self, name: str) -> None:
        caller = self.residents[name]
        lines = await statement_of(caller)
        times = Counter(line["transfer_id"] for line in lines)
        told = {what: number for (who, what), number in self.acknowledged.items() if who == name}
        memos = Counter(line["memo"] for line in lines)
        for what, number in told.items():
            assert times[number] == 1, f"{name}: {number} for {what} is there {times[number]} times"
            assert memos[what] == 1, f"{name}: {what} is there {memos[what]} times"
        expected = self.lines_before[name] + len(told)
        assert len(lines) == expected, f"{name}: {len(lines)} lines, not {expected}"
        balance = (await caller.get("/v1/me/balance")).json()["posted_points"]
        total = sum(line["points"] for line in lines)
        assert balance == total, f"{name}: a balance of {balance}, lines of {total}"

    async def repeat(self, posters: dict[str, str]) -> None:
        """Scan everything once more: nothing is new, and each answer names what is there."""

        async def again(name: str) -> None:
            for what, code in posters.items():
                answer = await self._ask(name, what, code)
                assert answer is not None, f"{name}: no answer for {what} after the recovery"
                number = self.acknowledged[name, what]
                told = (answer.status_code, answer.json()["is_new"])
                assert told == (200, False), f"{name}: {what} is new again: {answer.text}"
                same = answer.json()["contribution_id"]
                assert same == number, f"{name}: {what} is {same}, was {number}"

        await asyncio.gather(*(again(name) for name in self.residents))


async def _announce(worker: Caller, title: str, now: datetime) -> str:
    body = {
        "title": title,
        "rule_code": "weekend_clean_up",
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=2)).isoformat(),
    }
    made = await worker.post("/v1/staff/activities", body)
    assert made.status_code == 201, made.text
    code = await worker.get(f"/v1/staff/activities/{made.json()['activity_id']}/code")
    return str(code.json()["token"])


async def statement_of(caller: Caller) -> list[dict[str, Any]]:
    """Return every line of a resident's statement."""
    lines: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await caller.get("/v1/me/statement", size=100, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        lines += page["items"]
        if page["next_cursor"] is None:
            return lines
        cursor = {"cursor": page["next_cursor"]}


async def until_ready(http: httpx.AsyncClient) -> None:
    """Wait until the service and its database answer."""

    async def is_ready() -> bool:
        try:
            return (await http.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    async with asyncio.timeout(PATIENCE):
        while not await is_ready():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(PAUSE)
