"""The sealer that is killed, from outside; see tests/crash/sealer.py."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.embedded.configuration import SUPERUSER
from tests.crash.sealer import Order, written

PAUSE = 0.005
PATIENCE = 30
REPOSITORY = Path(__file__).parents[2]
# It signs in as another user than everybody else, so that its sessions can be told.
SEALER_USER = SUPERUSER
_COUNT_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE usename = :user AND datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Sealer:
    """The process that forks sealers."""

    process: subprocess.Popen[str]

    async def order(self, order: Order) -> int:
        """Let a fork begin; return its number."""
        assert self.process.stdin is not None
        self.process.stdin.write(written(order))
        self.process.stdin.flush()
        return int((await self._listen())["fork"])

    async def ended(self) -> int:
        """Wait for the fork's end; return the signal that killed it, 0 if none did."""
        answer = await self._listen()
        assert answer["signal"] or answer["status"] == 0, "the sealer failed"
        return int(answer["signal"])

    async def count(self, order: Order) -> list[str]:
        """Let a fork seal to the end; return what it sent, message by message."""
        await self.order(order)
        answer = await self._listen()
        assert "sent" in answer, "the sealer failed"
        assert await self.ended() == 0
        sent: list[str] = answer["sent"]
        return sent

    async def _listen(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        assert line, "the sealer's parent has died"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running_sealer() -> Iterator[Sealer]:
    """Run the process until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.sealer"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Sealer(process)
        finally:
            process.kill()


async def until_gone(sessionmaker: async_sessionmaker[AsyncSession]) -> None:
    """Wait until PostgreSQL has ended the killed sealer's session, and so its locks."""
    async with asyncio.timeout(PATIENCE), sessionmaker() as session:
        while await session.scalar(text(_COUNT_SESSIONS), {"user": SEALER_USER}):
            await session.rollback()
            await asyncio.sleep(PAUSE)
