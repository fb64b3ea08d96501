"""Rules of the source that linters do not know."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app

APP = Path(app.__file__).parent
TESTS = Path(__file__).parents[1]
LONGEST_FILE = 400
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "shared"}

ENDS_TRANSACTIONS = {
    "core/transactions.py": "the transaction of a request",
    "core/lane.py": "the transaction of a batch",
    "core/rate_limits.py": "an attempt counts even when the request is refused",
    "identity/service.py": "a stolen token ends its session though the request is refused",
    "audit/service.py": "each page is a transaction of its own",
    "ledger/holds/jobs.py": "a job is a series of short transactions",
    "ledger/lapsing/jobs.py": "a job is a series of short transactions",
    "ledger/notices/jobs.py": "a job is a series of short transactions",
    "ledger/point_policy/jobs.py": "a job is a series of short transactions",
    "ledger/seals/jobs.py": "a job is a series of short transactions",
    "ledger/unlinking/jobs.py": "a job is a series of short transactions",
    "rewards/jobs.py": "a job is a series of short transactions",
    "contributions/claims/jobs.py": "a job is a series of short transactions",
    "contributions/duties/jobs.py": "a job is a series of short transactions",
    "contributions/lists/jobs.py": "a job is a series of short transactions",
    "contributions/lists/taking.py": "none is open while a file is sent and read",
    "contributions/newcomers/jobs.py": "a job is a series of short transactions",
    "contributions/repairs/jobs.py": "a job is a series of short transactions",
    "cases/jobs.py": "a job is a series of short transactions",
    "media/jobs.py": "jobs; none is open while WeChat or the store is asked",
    "notifications/jobs.py": "jobs; none is open while WeChat is asked",
    "media/service.py": "none is open while a picture is cleaned and stored",
    "media/redaction.py": "none is open while a picture is redrawn and stored",
    "community/residents/endpoints.py": "none is open while WeChat is asked for a phone",
    "standings/folding.py": "a task beside the requests",
    "privacy/jobs.py": "jobs; none is open while a copy is stored",
    "privacy/exports/service.py": "none is open while a copy is fetched from the store",
    "statements/endpoints.py": "none is open while files are counted and typeset",
    "cli/sealing.py": "plain names are sealed in batches",
    "cli/queries.py": "plain names are sealed in batches",
    "jobs.py": "jobs",
    "worker.py": "jobs",
    "main.py": "the first signing keys, before the first request",
    "cli/database.py": "a command is one transaction",
}
ENDING = {"commit", "begin", "rollback", "begin_nested"}
# Endpoints are mounted, jobs are registered, and that is all that is done with them.
MOUNTS = {"endpoints": {"api.py"}, "jobs": {"jobs.py"}}


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(APP).as_posix()


def calls(path: Path) -> Iterator[str]:
    """Yield the name of every method that is called in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (room, module) for every import of a room's module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("app."):
            continue
        _, room, *rest = (node.module or "").split(".")
        if rest:
            yield room, rest[0]
        else:
            yield from ((room, alias.name) for alias in node.names)


def test_there_is_something_to_look_at() -> None:
    assert len(sources(APP)) > 80
    assert {name_of(path) for path in sources(APP)} >= set(ENDS_TRANSACTIONS)


@pytest.mark.parametrize("folder", [APP, TESTS], ids=["app", "tests"])
def test_no_file_is_longer_than_one_reads_at_a_time(folder: Path) -> None:
    lengths = {
        path.relative_to(folder).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(folder)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("folder", [APP, TESTS], ids=["app", "tests"])
def test_a_file_is_named_after_what_is_in_it(folder: Path) -> None:
    names = {path.stem for path in sources(folder)}
    names |= {path.parent.name for path in sources(folder)}
    assert names & VAGUE_NAMES == set()


def test_every_room_says_what_it_is() -> None:
    rooms = list(APP.glob("*/__init__.py"))
    assert len(rooms) > 10
    for room in rooms:
        docstring = ast.get_docstring(ast.parse(room.read_text(encoding="utf-8")))
        assert docstring, room


def test_only_a_few_places_end_transactions() -> None:
    found = {name_of(path) for path in sources(APP) if ENDING & set(calls(path))}
    assert found == set(ENDS_TRANSACTIONS)


def test_a_room_uses_neither_the_endpoints_nor_the_jobs_of_another() -> None:
    found: set[str] = set()
    looked_at = 0
    for path in sources(APP):
        own_room = name_of(path).split("/")[0]
        for room, module in imports(path):
            looked_at += 1
            is_foreign = room not in {own_room, "core"} and module in MOUNTS
            if is_foreign and name_of(path) not in MOUNTS[module]:
                found.add(f"{name_of(path)} imports {room}.{module}")
    assert looked_at > 300
    assert found == set()


def test_every_rooms_endpoints_are_mounted() -> None:
    rooms = {path.parent.name for path in APP.glob("*/endpoints.py")}
    mounted = {room for room, module in imports(APP / "api.py") if module == "endpoints"}
    assert mounted == rooms


def test_every_rooms_models_are_known_to_alembic() -> None:
    rooms = {path.parent.name for path in APP.glob("*/models.py")}
    known = {room for room, module in imports(APP / "models.py") if module == "models"}
    assert known == rooms


def test_every_rooms_jobs_are_registered() -> None:
    rooms = {path.parent.name for path in APP.glob("*/jobs.py")} - {"core"}
    known = {room for room, module in imports(APP / "jobs.py") if module == "jobs"}
    assert known - {"core"} == rooms


def test_only_endpoints_and_the_application_know_the_request() -> None:
    """Elsewhere a function takes what it needs, so that a job may call it as well."""
    outside = {
        name_of(path)
        for path in sources(APP)
        if "Request" in {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module == "fastapi"
            for alias in node.names
        }
        and path.stem != "endpoints" and path.parent.name != "core"
    }  # fmt: skip
    assert outside == set()


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
    found = [
        path.name
        for folder in (APP, TESTS)
        for path in sources(folder)
        if any(f"# {mark}" in path.read_text(encoding="utf-8") for mark in marks)
    ]
    assert found == []
