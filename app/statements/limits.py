"""How often one may have a statement made into a file: the largest take a core for two seconds."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.rate_limits import Limit

# Both accounts as both kinds of file, and once more after a mistake.
PER_PERSON = Limit("statement file", burst=10, interval=timedelta(seconds=30))


async def count_file(
    sessionmaker: async_sessionmaker[AsyncSession], person_id: int, *, now: datetime
) -> None:
    """Count a file; raises TooManyAttempts."""
    await PER_PERSON.take(sessionmaker, str(person_id), now=now)
