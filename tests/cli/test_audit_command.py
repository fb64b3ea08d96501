"""`gridpoints audit`, as an operator runs it on a database outside."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from typer.testing import CliRunner, Result

from app.cli.commands import app as commands
from tests.cli.test_commands import gridpoints
from tests.conftest import MakeRace
from tests.support.database import RACES, DatabaseServer

Sessions = async_sessionmaker[AsyncSession]
RunAudit = Callable[..., Awaitable[Result]]


@pytest.fixture
def audit(migrated: DatabaseServer) -> RunAudit:
    """Run the command to its end beside the test's own loop."""

    async def run(*words: str, url: str | None = None) -> Result:
        environment = {"GRIDPOINTS_DATABASE_URL": url or migrated.url(RACES)}
        runner = CliRunner(env=environment)
        return await asyncio.to_thread(lambda: runner.invoke(commands, ["audit", *words]))

    return run


async def change(sessions: Sessions, statement: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(statement))


async def test_sound_books_are_one_line_each_and_status_0(audit: RunAudit, race: MakeRace) -> None:
    here = await race(2)
    await here.give("resident-1", "survey")
    told = await audit()
    assert told.exit_code == 0, told.output
    (line,) = told.stdout.splitlines()
    assert line.startswith(f"test ({here.community_id}): clean, ")
    assert line.endswith(" rows")


async def test_a_difference_is_named_with_what_to_do_and_status_1(
    audit: RunAudit, race: MakeRace, race_sessionmaker: Sessions
) -> None:
    here = await race(2)
    await here.give("resident-1", "survey")
    await change(race_sessionmaker, "UPDATE standings SET score = score + 7")
    for words in ((), ("--community", "test"), ("--community", str(here.community_id), "--anew")):
        told = await audit(*words)
        assert told.exit_code == 1, told.output
        assert f"test ({here.community_id}): DIFFERENT, found after" in told.stdout
        assert "should hold: scores follow from awards and deductions" in told.stdout
        assert "row:         score of resident" in told.stdout
        found = re.search(r"stored: +(\d+)\n  expected: +(\d+)\n", told.stdout)
        assert found is not None, told.stdout
        assert int(found[1]) == int(found[2]) + 7
        assert "does not follow from the transfers" in told.stdout


async def test_a_difference_in_the_seals_is_told_as_that(
    audit: RunAudit, race: MakeRace, race_sessionmaker: Sessions
) -> None:
    await race(1)
    await change(race_sessionmaker, "INSERT INTO seal_queue SELECT community_id, 7 FROM residents")
    told = await audit()
    assert told.exit_code == 1, told.output
    assert "The transfers themselves, or what was sealed of them" in told.stdout


async def test_an_unknown_community_is_wrong_usage(audit: RunAudit, race: MakeRace) -> None:
    await race(1)
    told = await audit("--community", "nowhere")
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == "There is no community nowhere.\n"
    assert (await audit("--backwards")).exit_code == 2


@pytest.mark.usefixtures("race_sessionmaker")
async def test_without_communities_there_is_nothing_to_audit(audit: RunAudit) -> None:
    told = await audit()
    assert (told.exit_code, told.stdout) == (0, "There is no community yet.\n")


async def test_what_cannot_be_reached_or_read_is_status_3(
    audit: RunAudit, migrated: DatabaseServer
) -> None:
    nowhere = await audit(url="postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    missing = await audit(url=migrated.url("there_is_none"))
    empty = await audit(url=migrated.address.url("postgres", "postgres"))
    for told in (nowhere, missing, empty):
        assert (told.exit_code, told.stdout) == (3, ""), told.output
        assert "the audit could not run to its end" in told.stderr
    assert "Run `gridpoints migrate` first." in empty.stderr


def test_the_help_says_what_is_compared_and_what_the_status_means() -> None:
    told = gridpoints("audit", "--help").stdout
    for words in ("--community", "--anew", "Exit status: 0 all clean, 1 a difference"):
        assert words in told


def test_the_embedded_database_is_started_for_it_and_asked_to_be_migrated(folder: Path) -> None:
    kept_in = str(folder / "audited")
    told = gridpoints("audit", GRIDPOINTS_DATA_DIR=kept_in)
    assert told.returncode == 3, told.stderr
    assert "Run `gridpoints migrate` first." in told.stderr
    assert gridpoints("migrate", GRIDPOINTS_DATA_DIR=kept_in).returncode == 0
    told = gridpoints("audit", GRIDPOINTS_DATA_DIR=kept_in)
    assert (told.returncode, told.stdout) == (0, "There is no community yet.\n"), told.stderr
