"""Whoever left before there were seals has the salts of their transfers erased as well."""

from alembic import command
from sqlalchemy import text

from tests.conftest import NOW
from tests.migrations.conftest import Scratch
from tests.migrations.test_money_rules import read

_CLOSURES = """
    INSERT INTO closures (community_id, closure_id, resident_id, person_id, state, asked_at,
        closes_at, ended_at)
    VALUES (1, 1, 11, 21, 'done', :now, :now, :now), (1, 2, 12, 22, 'asked', :now, :now, NULL),
        (1, 3, 13, 23, 'cancelled', :now, :now, :now), (2, 4, 14, 24, 'done', :now, :now, :now)
"""


async def test_the_salts_of_those_who_left_before_are_to_be_erased(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, "0006")
    async with scratch.owner.begin() as connection:
        await connection.execute(text(_CLOSURES), {"now": NOW})
    await scratch.run(command.upgrade, "0007")
    asked = "SELECT community_id, resident_id, person_id, asked_at, done_at FROM salt_erasures"
    assert await read(scratch, f"{asked} ORDER BY resident_id") == [
        (1, 11, 21, NOW, None), (2, 14, 24, NOW, None),
    ]  # fmt: skip
