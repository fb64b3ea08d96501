"""Reading a whole database as one text, to look for what must not be in it."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

Sessions = async_sessionmaker[AsyncSession]


def spellings(value: str) -> set[str]:
    """Return how a value might stand in text: as it is, escaped as JSON, and as hex."""
    return {value, json.dumps(value)[1:-1], value.encode().hex(), value.encode("utf-16-le").hex()}


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a value as the driver returns it."""
    match value:
        case bytes():
            yield value.decode("utf-8", "ignore")
            yield value.hex()
        case dict() | list():
            yield json.dumps(value, ensure_ascii=False)
        case _:
            yield str(value)


async def read_all(sessionmaker: Sessions) -> tuple[str, set[str]]:
    """Return every value of every table as one text, and the tables that have rows."""
    found: list[str] = []
    filled: set[str] = set()
    async with sessionmaker() as session:
        names = await session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        for table in names.all():
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
            if rows:
                filled.add(table)
            found += [part for row in rows for value in row for part in texts_in(value)]
    return "\n".join(found), filled
