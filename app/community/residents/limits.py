"""How often one may have WeChat look up one's phone: each answer costs the operator money."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.rate_limits import Limit

PER_PERSON = Limit("phone code", burst=5, interval=timedelta(hours=1))


async def count_phone_code(
    sessionmaker: async_sessionmaker[AsyncSession], person_id: int, *, now: datetime
) -> None:
    """Count an attempt; raises TooManyAttempts."""
    await PER_PERSON.take(sessionmaker, str(person_id), now=now)
