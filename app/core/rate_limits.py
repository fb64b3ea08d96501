"""Rate limits: one GCRA statement each, exact under any concurrency, shared by all processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core import queries
from app.core.problems import TooManyRequests

MICROSECOND = timedelta(microseconds=1)


class TooManyAttempts(TooManyRequests):
    """Too many attempts; wait a little."""

    title_zh = "尝试次数过多，请稍后再试"
    detail_en = "Try again in {retry_after_seconds} seconds."
    detail_zh = "请在 {retry_after_seconds} 秒后重试。"


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, then one every `interval`."""

    name: str
    burst: int
    interval: timedelta

    async def take(
        self, sessionmaker: async_sessionmaker[AsyncSession], subject: str, *, now: datetime
    ) -> None:
        """Count an attempt of this subject, in a transaction of its own.

        Its own, because an attempt counts even when the request is refused afterwards.
        """
        async with sessionmaker.begin() as session:
            allowed = await queries.take_turn(
                session,
                f"{self.name}:{subject}",
                now_us=int(now.timestamp() * 1_000_000),
                interval_us=self.interval // MICROSECOND,
                burst=self.burst,
            )
        if not allowed:
            raise TooManyAttempts(retry_after_seconds=int(self.interval.total_seconds()) or 1)


def caller_address(request: Request) -> str:
    """Return the caller's IP address; behind a proxy, the one uvicorn took from its header."""
    return "unknown" if request.client is None else request.client.host
