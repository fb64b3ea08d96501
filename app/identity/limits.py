"""How often one may try to sign in."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.rate_limits import Limit

# A whole neighbourhood may share its carrier's address; a person signs in a few times a day.
PER_ADDRESS = Limit("sign-in address", burst=60, interval=timedelta(seconds=1))
PER_ACCOUNT = Limit("sign-in account", burst=10, interval=timedelta(seconds=90))


async def count_address(
    sessionmaker: async_sessionmaker[AsyncSession], address: str, *, now: datetime
) -> None:
    """Count an attempt from an address; raises TooManyAttempts."""
    await PER_ADDRESS.take(sessionmaker, address, now=now)


async def count_account(
    sessionmaker: async_sessionmaker[AsyncSession], subject: str, *, now: datetime
) -> None:
    """Count an attempt on an account; raises TooManyAttempts."""
    await PER_ACCOUNT.take(sessionmaker, subject, now=now)
