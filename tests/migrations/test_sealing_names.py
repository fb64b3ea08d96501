"""Names that an older release wrote in the clear are sealed on the way to the newest schema."""

import asyncio
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from app.cli.database import migrate_async
from app.cli.sealing import BATCH
from app.community import personal
from app.core.personal import Vault
from app.core.sealing import MasterKey, MasterKeyUnusable
from tests.migrations.conftest import Scratch
from tests.support.database import everything_in

BEFORE = "0002"
VAULT = Vault(MasterKey(b"7" * 32))
PLAIN = ("诸葛孔明", "欧阳修 'O\"Brien\\", "𠮷野家👵", "居委会 林主任", "赵新来")
# One resident of every kind of name, and a crowd of more than two batches.
CROWD = BATCH * 2 + 1
FILLING = (
    """INSERT INTO communities (community_id, code, name, timezone, created_at)
        OVERRIDING SYSTEM VALUE VALUES (1, 'one', '一', 'Asia/Shanghai', now()),
            (2, 'two', '二', 'Asia/Shanghai', now())""",
    "INSERT INTO grids (community_id, grid_id, name) VALUES (1, 1, '格'), (2, 1, '格')",
    """INSERT INTO buildings (community_id, building_id, grid_id, name)
        VALUES (1, 1, 1, '楼'), (2, 1, 1, '楼')""",
    """INSERT INTO households (community_id, household_id, building_id, room)
        VALUES (1, 1, 1, '1-101'), (2, 1, 1, '1-101')""",
    """INSERT INTO residents (community_id, resident_id, person_id, household_id, building_id,
            display_name, masked_name, state, joined_at)
        SELECT 1, n, n, 1, 1, CASE WHEN n <= 3 THEN (:plain)[n] ELSE '王小' || n END, '王*',
            'active', now() FROM generate_series(1, :crowd) AS n""",
    """INSERT INTO residents (community_id, resident_id, person_id, household_id, building_id,
            display_name, masked_name, state, joined_at)
        VALUES (2, 1, 1, 1, 1, (:plain)[1], '诸**明', 'left', now())""",
    """INSERT INTO role_grants (community_id, role_grant_id, person_id, role, display_name,
            granted_at) VALUES (1, 1, 9, 'committee', (:plain)[4], now())""",
    """INSERT INTO join_requests (community_id, join_request_id, person_id, display_name,
            building_id, room, state, asked_at)
        VALUES (1, 1, 9, (:plain)[5], 1, '1', 'pending', now())""",
)


async def fill(scratch: Scratch) -> None:
    async with scratch.owner.begin() as connection:
        for statement in FILLING:
            asked = text(statement.replace("(:plain)", "(CAST(:plain AS text[]))"))
            values = {"plain": list(PLAIN), "crowd": CROWD}
            names = asked.compile().params
            await connection.execute(asked, {name: values[name] for name in names})


async def read(scratch: Scratch, statement: str) -> list[Any]:
    async with scratch.owner.connect() as connection:
        return list(await connection.execute(text(statement)))


async def count(scratch: Scratch, rest: str) -> int:
    return int((await read(scratch, f"SELECT count(*) FROM {rest}"))[0][0])  # noqa: S608


async def test_every_plain_name_is_sealed_found_again_and_gone_in_the_clear(
    scratch: Scratch,
) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)
    assert "诸葛孔明" in await everything_in(scratch.owner_url)

    await migrate_async(scratch.owner_url, "head", vault=VAULT)

    residents = await read(
        scratch, "SELECT community_id, resident_id, sealed_name FROM residents ORDER BY 1, 2"
    )
    names = [VAULT.open(row[2], personal.resident_name(row[0], row[1])) for row in residents]
    crowd = [f"王小{number}" for number in range(4, CROWD + 1)]
    assert names == [*PLAIN[:3], *crowd, PLAIN[0]]
    [grant] = await read(scratch, "SELECT sealed_name FROM role_grants")
    assert VAULT.open(grant[0], personal.grant_name(1, 1)) == PLAIN[3]
    [request] = await read(scratch, "SELECT sealed_name FROM join_requests")
    assert VAULT.open(request[0], personal.join_request_name(1, 1)) == PLAIN[4]
    assert await count(scratch, "pg_attribute WHERE attname = 'display_name'") == 0
    stored = await everything_in(scratch.owner_url)
    assert not [name for name in (*PLAIN, *crowd[:5]) if name in stored]
    assert not [name for name in PLAIN if name.encode().hex() in stored]


async def test_sealed_residents_are_found_by_the_beginnings_of_their_names(
    scratch: Scratch,
) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)

    await migrate_async(scratch.owner_url, "head", vault=VAULT)

    rows = await read(scratch, "SELECT community_id, token, resident_id FROM resident_tokens")
    tokens = {(row[0], row[1]): set[int]() for row in rows}
    for community_id, token, resident_id in rows:
        tokens[community_id, token].add(resident_id)
    assert tokens[1, personal.name_token(VAULT, 1, "诸葛")] == {1}
    assert tokens[2, personal.name_token(VAULT, 2, "诸葛孔明")] == {1}
    assert tokens[1, personal.name_token(VAULT, 1, "王小")] == set(range(4, CROWD + 1))
    assert tokens[1, personal.name_token(VAULT, 1, f"王小{CROWD}")] == {CROWD}


async def test_migrating_again_changes_nothing(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)
    await migrate_async(scratch.owner_url, "head", vault=VAULT)
    before = await everything_in(scratch.owner_url)
    await migrate_async(scratch.owner_url, "head", vault=VAULT)
    assert await everything_in(scratch.owner_url) == before


async def test_alembic_alone_stops_before_a_name_is_lost(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)

    with pytest.raises(Exception, match="names in residents are not sealed yet: run gridpoints"):
        await scratch.run(command.upgrade, "head")

    assert await count(scratch, "residents WHERE display_name IS NOT NULL") == CROWD + 1
    await migrate_async(scratch.owner_url, "head", vault=VAULT)
    assert await count(scratch, "residents WHERE sealed_name IS NOT NULL") == CROWD + 1


async def test_sealing_that_was_broken_off_goes_on(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)
    seal = Vault.seal
    left = [BATCH + 10]

    def seal_until_killed(vault: Vault, plain: str, field: Any) -> bytes:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return seal(vault, plain, field)

    monkeypatch.setattr(Vault, "seal", seal_until_killed)
    with pytest.raises(KeyboardInterrupt):
        await migrate_async(scratch.owner_url, "head", vault=VAULT)
    monkeypatch.undo()
    assert await count(scratch, "residents WHERE sealed_name IS NOT NULL") == BATCH

    await migrate_async(scratch.owner_url, "head", vault=VAULT)

    assert await count(scratch, "residents WHERE sealed_name IS NOT NULL") == CROWD + 1
    assert not [name for name in PLAIN if name in await everything_in(scratch.owner_url)]


async def test_two_who_seal_at_once_wait_for_each_other(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)

    await asyncio.gather(*(migrate_async(scratch.owner_url, "head", vault=VAULT) for _ in range(2)))

    assert await count(scratch, "residents WHERE sealed_name IS NOT NULL") == CROWD + 1


async def test_without_the_master_key_nothing_is_changed(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)
    before = await everything_in(scratch.owner_url)
    with pytest.raises(MasterKeyUnusable, match="GRIDPOINTS_MASTER_KEY"):
        await migrate_async(scratch.owner_url, "head")
    assert await everything_in(scratch.owner_url) == before


async def test_an_older_database_without_people_needs_no_key(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await migrate_async(scratch.owner_url, "head")
    assert await count(scratch, "pg_attribute WHERE attname = 'display_name'") == 0


async def test_an_empty_database_goes_straight_through(scratch: Scratch) -> None:
    await migrate_async(scratch.owner_url, "head", vault=VAULT)
    assert await count(scratch, "residents") == 0
    assert await count(scratch, "alembic_version WHERE version_num >= '0004'") == 1


async def test_an_earlier_revision_asked_for_is_not_passed(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await fill(scratch)
    await migrate_async(scratch.owner_url, BEFORE, vault=VAULT)
    assert await count(scratch, "residents WHERE display_name IS NOT NULL") == CROWD + 1
    assert await count(scratch, f"alembic_version WHERE version_num = '{BEFORE}'") == 1
