"""`gridpoints community` and `gridpoints rules`, as an operator types them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from typer.testing import CliRunner, Result

from app.cli.commands import app as commands
from app.core.config import Settings
from app.core.transactions import system_clock
from app.setup.presets import preset_names
from tests.cli.test_commands import gridpoints
from tests.conftest import MakeRace
from tests.support.caller import sign_in
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer

Run = Callable[..., Awaitable[Result]]
CREATE = ("community", "create", "--preset", "base-grid", "--code", "east", "--name", "东湖社区")
NO_SUCH_FIELD = "没有这个字段，请检查拼写"
TABLE = "网格,楼栋\n第一网格,1 号楼\n第一网格,2 号楼\n第二网格,3 号楼\n"
OWN_NAME = "each building has a name of its own"
GRANT = ("community", "grant", "--code", "east", "--name", "居委会 林主任")


@pytest.fixture
def run(
    migrated: DatabaseServer,
    settings: Settings,
    app_of_session: FastAPI,
    race_sessionmaker: async_sessionmaker[AsyncSession],
) -> Run:
    """Run a command to its end beside the test's own loop, on the database that commits."""
    del race_sessionmaker  # what commands commit is emptied afterwards
    assert app_of_session.state.master_key  # the key's file is there
    environment = {
        "GRIDPOINTS_DATABASE_URL": migrated.url(RACES),
        "GRIDPOINTS_MASTER_KEY": (settings.data_dir / "master.key").read_text(encoding="utf-8"),
    }
    runner = CliRunner(env=environment)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(lambda: runner.invoke(commands, words))

    return run


async def test_a_community_is_made_from_a_preset_and_given_its_first_committee(
    run: Run, race_http: httpx.AsyncClient
) -> None:
    stranger = await sign_in(race_http, "first-of-all")
    person = str(stranger.tokens["person_id"])

    made, twice = await run(*CREATE), await run(*CREATE)
    granted = await run(*GRANT, "--role", "committee", "--person", person)
    again = await run(*GRANT, "--role", "committee", "--person", person)
    listed = await run("community", "list")

    assert (made.exit_code, twice.exit_code) == (0, 1), made.output
    assert "5 rules, 3 rewards, 2 shops" in made.stdout
    assert "grant --code east --role committee" in made.stdout
    assert "'east' already" in twice.stderr
    assert (granted.exit_code, again.exit_code) == (0, 0), granted.output
    assert "is now committee in 东湖社区" in granted.stdout
    assert "is already committee" in again.stdout
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["east", listed.stdout.split()[1], "东湖社区", "Asia/Shanghai",
         "0", "residents,", "1", "in", "the", "committee"],
    ]  # fmt: skip
    committee = await sign_in(race_http, "first-of-all")
    assert committee.tokens["membership"]["roles"] == ["committee"]
    assert (await committee.get("/v1/staff/rule-book")).status_code == 200


async def test_a_new_community_has_buildings_and_staff_and_gives_its_first_points(
    run: Run, race_http: httpx.AsyncClient, clock: Clock, tmp_path: Path
) -> None:
    table = tmp_path / "places.csv"
    table.write_text(TABLE, encoding="utf-8-sig")
    made = await run(*CREATE[:3], "sunshine", *CREATE[4:])
    added = await run("community", "places", "--code", "east", str(table))
    clock.now = system_clock() + timedelta(hours=3)  # commands go by the real time
    for role in ("grid_worker", "reviewer"):
        person = str((await sign_in(race_http, role)).tokens["person_id"])
        at = ("--grid", added.stdout.split()[2]) if role == "grid_worker" else ()
        granted = await run(*GRANT, "--role", role, "--person", person, *at)
        assert granted.exit_code == 0, granted.output

    worker = await sign_in(race_http, "grid_worker")
    reviewer = await sign_in(race_http, "reviewer")
    number = worker.tokens["membership"]["community_id"]
    buildings = (await worker.get(f"/v1/public/communities/{number}")).json()["buildings"]
    home = next(one["building_id"] for one in buildings if one["name"] == "2 号楼")
    neighbour = await worker.post_once(
        "/v1/staff/residents", {"name": "周阿婆", "building_id": home, "room": "1-302"}
    )
    claim = {
        "resident_id": neighbour.json()["resident_id"], "rule_code": "volunteer_hour", "units": 2,
        "note": "在社区食堂帮厨，洗菜、分餐各一小时",
        "acted_at": (clock.now - timedelta(hours=2)).isoformat(),
        "acted_until": clock.now.isoformat(),
    }  # fmt: skip
    claimed = await worker.post_once("/v1/staff/claims", claim)
    assert claimed.status_code == 201, claimed.text
    reviews = f"/v1/staff/claims/{claimed.json()['claim_id']}/reviews"
    reviewed = await reviewer.post(reviews, {"verdict": "approve"})

    assert "community places --code east FILE" in made.stdout
    assert [line.split()[:2] for line in added.stdout.splitlines()] == [
        ["+", "grid"], ["+", "grid"], ["+", "building"], ["+", "building"], ["+", "building"],
        ["2", "grids"],
    ]  # fmt: skip
    assert reviewed.status_code == 200, reviewed.text
    awarded = (await reviewer.get(reviews.removesuffix("/reviews"))).json()
    assert (awarded["state"], awarded["granted_points"]) == ("awarded", 20)


async def test_places_given_again_add_only_what_is_new(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    assert (await run(*CREATE)).exit_code == 0
    places = ("community", "places", "--code", "east", str(table))
    table.write_text(TABLE, encoding="gb18030")
    assert "2 grids and 3 buildings added" in (await run(*places)).stdout
    # Another order of columns, other spaces, one building more in a grid that is there.
    table.write_text("building\tgrid\n4号楼\t第二 网格\n1号楼\t第一网格\n", encoding="utf-8")
    more, again = await run(*places), await run(*places)

    assert more.stdout.splitlines() == [
        "+ building 4号楼 in 第二 网格",
        "0 grids and 1 buildings added to east; 1 buildings were there.",
    ]
    assert again.stdout == "0 grids and 0 buildings added to east; 2 buildings were there.\n"


async def test_a_table_of_places_with_faults_adds_nothing(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    assert (await run(*CREATE)).exit_code == 0

    async def told(content: str | bytes, code: str = "east") -> list[str]:
        table.write_bytes(content.encode() if isinstance(content, str) else content)
        refused = await run("community", "places", "--code", code, str(table))
        assert (refused.exit_code, refused.stdout) == (1, ""), refused.output
        return [line.removeprefix(f"{table}: ") for line in refused.stderr.splitlines()]

    assert await told(TABLE + f"第三网格,\n,5 号楼\n\n第一网格,1号楼\n第一网格,{'楼' * 41}\n") == [
        "line 5: 楼栋 (building) is missing",
        "line 6: 网格 (grid) is missing",
        "line 8: 楼栋 1号楼 stands in line 2 already",
        "line 9: 楼栋 (building) is not one line of 40 characters",
    ]
    assert await told("网格,楼号\n第一网格,1 号楼\n") == [
        "line 1: the headings are 网格, 楼栋 (or grid, building), nothing else; not 网格, 楼号"
    ]
    assert await told("网格,楼栋\n") == ["There are no lines below the headings 网格, 楼栋."]
    assert "no table" in (await told(b"\xff\xff\xff"))[0]
    assert "'west'" in (await told(TABLE, code="west"))[0]
    table.write_text(TABLE, encoding="utf-8")
    added = await run("community", "places", "--code", "east", str(table))
    assert "2 grids and 3 buildings added to east; 0 buildings" in added.stdout
    assert await told("网格,楼栋\n第一网格,3 号楼\n第四网格,1 号楼\n") == [
        f"line 2: 楼栋 3 号楼 is in 第二网格 already, not in 第一网格: {OWN_NAME}",
        f"line 3: 楼栋 1 号楼 is in 第一网格 already, not in 第四网格: {OWN_NAME}",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--role", "committee", "--person", "17"), "Nobody has signed in as person 17"),
        (("--role", "clerk"), "works in a --shop"),
        (("--role", "clerk", "--shop", "3"), "There is no shop 3"),
        (("--role", "grid_worker", "--grid", "3"), "There is no grid 3. There is: none yet"),
        (("--role", "reviewer", "--grid", "3"), "Only a grid_worker"),
        (("--role", "resident"), "choose one of"),
    ],
)
async def test_a_role_that_cannot_be_given_is_refused_with_what_there_is(
    run: Run, race_http: httpx.AsyncClient, words: tuple[str, ...], told: str
) -> None:
    person = str((await sign_in(race_http, "somebody")).tokens["person_id"])
    assert (await run(*CREATE)).exit_code == 0
    refused = await run(*GRANT, "--person", person, *words)
    assert refused.exit_code == (2 if words == ("--role", "resident") else 1)
    assert told in refused.stderr


async def test_what_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    book = tmp_path / "book.toml"
    assert (await run(*CREATE)).exit_code == 0
    assert (await run("rules", "export", "--code", "east", str(book))).exit_code == 0

    unknown_preset = await run(*CREATE[:3], "moon", *CREATE[4:])
    unknown_zone = await run(*CREATE, "--timezone", "Mars/Base")
    unusable = [
        await run(*CREATE, "--code", "East Lake"), await run(*CREATE, "--name", " "),
    ]  # fmt: skip
    elsewhere = [
        await run("rules", "export", "--code", "west"),
        await run("rules", "import", "--code", "west", str(book)),
        await run("community", "grant", "--code", "west", "--name", "a", "--role", "auditor",
                  "--person", "1"),
    ]  # fmt: skip
    assert (unknown_preset.exit_code, unknown_zone.exit_code) == (1, 2)
    assert [told.exit_code for told in unusable] == [2, 2]
    assert "base-grid, chengdu" in unknown_preset.stderr
    assert [(told.exit_code, "'west'" in told.stderr) for told in elsewhere] == [(1, True)] * 3


async def test_rules_go_out_and_in_until_the_first_points_move(
    run: Run, race: MakeRace, tmp_path: Path
) -> None:
    here = await race(1)
    book = tmp_path / "book.toml"
    exported = await run("rules", "export", "--code", "test", str(book))
    shown = await run("rules", "export", "--code", "test")
    text = book.read_text(encoding="utf-8")
    book.write_text(text.replace("appeal_days = 15", "appeal_days = 20"), encoding="utf-8")
    same = await run("rules", "import", "--code", "test", str(book))
    again = await run("rules", "import", "--code", "test", str(book))
    await here.give("resident-1", "survey")
    too_late = await run("rules", "import", "--code", "test", str(book))

    assert (exported.exit_code, shown.stdout) == (0, text)
    assert same.stdout.splitlines() == [
        "~ procedure procedure: appeal_days", "In force in test now.",
    ]  # fmt: skip
    assert "has these rules already" in again.stdout
    assert too_late.exit_code == 1
    assert "/v1/staff/rule-book/proposal" in too_late.stderr


async def test_a_database_without_a_schema_says_what_to_run(migrated: DatabaseServer) -> None:
    await migrated.create("bare")
    told = CliRunner(env={"GRIDPOINTS_DATABASE_URL": migrated.url("bare")})
    listed = await asyncio.to_thread(lambda: told.invoke(commands, ["community", "list"]))
    assert (listed.exit_code, "gridpoints migrate" in listed.stderr) == (1, True), listed.output


def test_a_book_is_checked_without_a_database(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.toml", tmp_path / "wrong.toml"
    category = '[[rule_categories]]\ncode = "daily"\nname = "日常"\n'
    rule = '[[rules]]\ncode = "survey"\nname = "问卷"\ncategory = "daily"\npoints = '
    right.write_text(category + rule + "5\n", encoding="utf-8")
    wrong.write_text(category + rule + '0\nbonus = "x"\n', encoding="utf-8")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")

    fine = CliRunner().invoke(commands, ["rules", "check", str(right)])
    faulty = gridpoints("rules", "check", str(wrong))
    no_text = CliRunner().invoke(commands, ["rules", "check", str(binary)])

    assert (fine.exit_code, "1 rules, 1 categories" in fine.stdout) == (0, True), fine.output
    assert faulty.returncode == 1
    assert faulty.stderr.splitlines() == [
        f'{wrong}: line 8: rules 1 "survey": points: must not be less than 1 / 不能小于 1',
        f'{wrong}: line 9: rules 1 "survey": bonus: there is no such field / {NO_SUCH_FIELD}',
    ]
    assert (no_text.exit_code, "UTF-8" in no_text.stderr) == (1, True)


def test_the_presets_are_listed_with_what_they_are_for() -> None:
    listed = CliRunner().invoke(commands, ["community", "presets"])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == preset_names()
    assert all(len(line) > 30 for line in listed.stdout.splitlines())
