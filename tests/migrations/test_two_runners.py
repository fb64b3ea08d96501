"""Two who migrate the same database at once."""

import asyncio
import sys

from sqlalchemy import text

from tests.migrations.conftest import Scratch

# What `gridpoints migrate` does, without the seconds that the whole command line takes to load.
MIGRATE = "import sys; from app.cli.database import migrate; migrate(sys.argv[1])"
LOCK = "SELECT pg_advisory_lock(hashtext('gridpoints migrations'))"
WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


async def start(scratch: Scratch) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE, scratch.owner_url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def test_two_who_migrate_at_once_wait_for_each_other(scratch: Scratch) -> None:
    async with scratch.owner.connect() as gate, scratch.owner.connect() as watch:
        await gate.execute(text(LOCK))
        runners = [await start(scratch), await start(scratch)]
        async with asyncio.timeout(60):
            # Two Pythons are starting; nothing tells us when they have come to the lock.
            while await watch.scalar(text(WAITING)) != len(runners):
                assert [runner.returncode for runner in runners] == [None, None]
                await asyncio.sleep(0.05)
        assert await watch.scalar(text("SELECT to_regclass('transfers')")) is None
        await gate.invalidate()

    outputs = [(await runner.communicate())[0].decode() for runner in runners]

    assert [runner.returncode for runner in runners] == [0, 0], outputs
    assert outputs == ["", ""]
    async with scratch.owner.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM transfers")) == 0
