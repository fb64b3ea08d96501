"""Scores of before are counted, so that ranks are exact from the first request on."""

from alembic import command
from sqlalchemy import text

from tests.conftest import NOW
from tests.migrations.conftest import Scratch
from tests.migrations.test_money_rules import read

_STANDINGS = """
    INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
    VALUES (1, 'week', '2026-11-16', 11, 63, :now), (1, 'week', '2026-11-16', 12, 63, :now),
        (1, 'week', '2026-11-16', 13, 64, :now), (1, 'week', '2026-11-16', 14, 0, :now),
        (1, 'week', '2026-11-16', 15, -5, :now), (2, 'all', '1970-01-01', 11, 9000, :now)
"""
_COUNTS = """
    SELECT community_id, period, level, slot, residents FROM score_counts
    ORDER BY community_id, period, level, slot
"""


async def test_scores_of_before_are_counted_on_every_level(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, "0010")
    async with scratch.owner.begin() as connection:
        await connection.execute(text(_STANDINGS), {"now": NOW})
    for _ in range(2):
        await scratch.run(command.upgrade, "0011")
        assert await read(scratch, _COUNTS) == [
            (1, "week", 0, 63, 2), (1, "week", 0, 64, 1), (1, "week", 1, 0, 2),
            (1, "week", 1, 1, 1), (1, "week", 2, 0, 3), (2, "all", 0, 9000, 1),
            (2, "all", 1, 140, 1), (2, "all", 2, 2, 1),
        ]  # fmt: skip
        assert await read(scratch, "SELECT * FROM score_changes") == []
        await scratch.run(command.downgrade, "0010")
    assert await read(scratch, "SELECT count(*) FROM standings") == [(6,)]
