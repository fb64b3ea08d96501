"""The audit that operators run, over a community of a test."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import WALKS, read_book
from app.audit.walks import Position, Walk

# No check goes by today's date.
ANY_TIME = datetime(2026, 11, 18, tzinfo=UTC)


async def assert_audit_clean(session: AsyncSession, community_id: int) -> None:
    """Go through every walk; raise AssertionError with the first difference."""
    book = await read_book(session, community_id, now=ANY_TIME)
    checked = 0
    for walk in WALKS:
        position: Position | None = {}
        while position is not None:
            step = await walk.step(session, book, position)
            assert step.difference is None, f"{walk.name} of {community_id}: {step.difference}"
            checked += step.checked
            position = step.position
    assert checked > 0


def walk_named(name: str) -> Walk:
    return next(walk for walk in WALKS if walk.name == name)
