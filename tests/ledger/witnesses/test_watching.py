"""A witness that watches the real service."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import CliRunner

from app.cli import commands
from app.cli.log_client import Unanswered
from app.cli.note_keys import new_witness_key
from app.cli.watching import Alarm
from app.core.database import make_engine
from app.ledger.seals.notes import cosignatures
from tests.concurrency.crowd import tally, together
from tests.conftest import MakeRace
from tests.ledger.witnesses.conftest import Register
from tests.ledger.witnesses.office import Office
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.sealing import seal_all

# What somebody with the whole database in hand would do to hide that they changed a line.
REBUILD = (
    "UPDATE transfers SET points = 1000 WHERE transfer_id IN (SELECT min(transfer_id) FROM seals)",
    "INSERT INTO seal_queue SELECT community_id, transfer_id FROM seals",
    "DELETE FROM seals",
    "DELETE FROM tree_nodes",
    "DELETE FROM checkpoints",
    "DELETE FROM cosignatures",
    "DELETE FROM account_rollups",
    "UPDATE trees SET size = 0",
)


@pytest.fixture
async def racing(
    race: MakeRace, app_of_session: FastAPI, clock: Clock, tmp_path: Path, register: Register
) -> Office:
    """An office that watches a neighbourhood on the committing database."""
    here = await race(2)
    office = Office(app_of_session, here, clock, new_witness_key("office.example.cn"), tmp_path)
    register(office)
    return office


async def test_a_growing_book_is_countersigned_time_and_again(office: Office) -> None:
    for lines in (1, 2, 1, 4):
        await office.seal(lines)
        office.clock.advance(minutes=1)
        seen = await office.look()
        assert seen.is_signed
        (found,) = cosignatures(await office.note(), [office.key.public])
        assert found.signed_at == office.clock.now
    assert not (await office.look()).is_signed
    assert seen.checkpoint.size == 8


async def test_two_witnesses_watch_without_knowing_each_other(
    office: Office, register: Register
) -> None:
    library = office.named("library.example.cn")
    register(office, library)
    await office.seal(3)
    await library.look()
    await office.seal(4)

    assert (await office.look()).is_first
    assert not (await library.look()).is_first

    keys = [office.key.public, library.key.public]
    names = [found.witness for found in cosignatures(await office.note(), keys)]
    assert sorted(names) == ["library.example.cn", "office.example.cn"]


async def test_a_witness_that_is_not_registered_remembers_and_signs_once_it_is(
    office: Office, register: Register
) -> None:
    newcomer = office.named("newcomer.example.cn")
    await office.seal(2)
    with pytest.raises(Unanswered, match="403 witness_unknown"):
        await newcomer.look()
    register(office, newcomer)

    seen = await newcomer.look()

    assert (seen.is_first, seen.is_signed) == (False, True)


async def test_a_book_that_is_not_sealed_yet_is_waited_for(office: Office) -> None:
    with pytest.raises(Unanswered, match="404 checkpoint_unknown"):
        await office.look()
    await office.seal()

    assert (await office.look()).is_signed


async def test_a_receipt_is_verified_from_its_file_with_two_keys_alone(office: Office) -> None:
    await office.seal(3)
    await office.look()
    (office.folder / "notice.txt").write_text(await office.note(), encoding="utf-8")
    await office.seal(2)
    resident = await office.here.caller("resident-1")
    lines = (await resident.get("/v1/me/statement")).json()["items"]
    address = f"/v1/me/statement/{lines[-1]['transfer_id']}/receipt"
    keys = (await office.http.get(f"{office.public}/seal-keys")).json()["keys"]
    file = office.folder / "receipt.json"
    words = [
        "verify", str(file), "--key", keys[0]["verifier_key"], "--need", "1",
        "--witness", str(office.key.public), "--checkpoint", str(office.folder / "notice.txt"),
    ]  # fmt: skip

    results = []
    for asked in ({}, {"size": 3}):
        file.write_bytes((await resident.get(address, **asked)).content)
        results.append(CliRunner().invoke(commands.app, words))
    newest, as_noticed = results

    assert (newest.exit_code, "?size=3" in newest.stderr) == (1, True), newest.stderr
    assert as_noticed.exit_code == 0, as_noticed.stderr
    assert "points 积分: 10" in as_noticed.stdout
    assert "witness 见证: office.example.cn 2026-11-18T07:00:00Z" in as_noticed.stdout


async def test_a_tree_rebuilt_by_the_databases_owner_is_found(
    racing: Office, migrated: DatabaseServer
) -> None:
    await racing.seal(3)
    await racing.look()
    before = (racing.folder / racing.key.name).read_text(encoding="utf-8")
    owner = make_engine(migrated.url(RACES, "gridpoints_owner"), pool_size=1, role=None)
    async with AsyncSession(owner) as session, session.begin():
        for statement in REBUILD:
            await session.execute(text(statement))
    await owner.dispose()
    await seal_all(racing.app, now=racing.clock.now)
    assert (await racing.latest()).size == 3

    with pytest.raises(Alarm, match="two different trees of 3 lines") as same_size:
        await racing.look()
    await racing.seal(2)
    with pytest.raises(Alarm, match="the tree of 5 lines begins with the one of 3"):
        await racing.look()

    assert same_size.value.notes[0] == before
    assert cosignatures(await racing.note(), [racing.key.public]) == []


async def test_a_line_handed_in_ten_times_at_once_is_kept_once(racing: Office) -> None:
    checkpoint = await racing.seal()
    lines = [racing.sign(checkpoint, at=racing.clock.advance(seconds=1)) for _ in range(5)] * 2

    answers = await together(racing.hand_in(line, size=1) for line in lines)

    assert tally(answers) == {"200": 10}
    (kept,) = {answer.json()["line"] for answer in answers}
    assert kept in lines
    async with racing.app.state.sessionmaker() as session:
        assert list(await session.scalars(text("SELECT line FROM cosignatures"))) == [kept]
