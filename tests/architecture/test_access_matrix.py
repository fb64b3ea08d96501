"""Who may call what: every route against access_matrix.txt, and the file against the service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import ASGIApp

from app.core.access import ROLE_PERMISSIONS, Permission, Require, Role, public
from app.core.config import Settings
from app.core.route_index import IndexedRoutes
from app.main import create_app
from tests.support.caller import Caller, fresh_key, sign_in
from tests.support.neighbourhood import Neighbourhood

MATRIX = Path(__file__).with_name("access_matrix.txt")
# The document and the pictures of its page; they are not written by us and show nobody's data.
DOCUMENTATION = {"/openapi.json", "/docs/assets"}
# A plausible value for every parameter in a path.
PARAMETERS = {"suffix": "png", "out_request_no": "request-1", "token": "x", "code": "forbidden"}
CALLERS = {
    "signed_in": "newcomer",
    "resident": "resident-1",
    "grid_worker": "worker-1",
    "clerk": "clerk-1",
    "reviewer": "reviewer-1",
    "committee": "committee-1",
    "auditor": "auditor-1",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the matrix."""

    method: str
    path: str
    permission: str
    roles: tuple[str, ...]

    @property
    def address(self) -> str:
        """The path with every parameter filled in."""
        return re.sub(r"\{(\w+)\}", lambda found: PARAMETERS.get(found[1], "1"), self.path)


def walk(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from walk(inner)


def access(route: RouteContext) -> str:
    """Return the permission that a route asks for, `public`, or what is wrong."""
    if route.path in DOCUMENTATION:
        return "public"
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return "UNGUARDED"
    calls = [inner.call for inner in walk(dependant)]
    asked = [call.permission.value for call in calls if isinstance(call, Require)]
    if public in calls:
        asked.append("public")
    return " AND ".join(asked) or "UNGUARDED"


def holders(permission: str) -> str:
    if permission == "public":
        return "anybody"
    roles = [role.value for role, held in ROLE_PERMISSIONS.items() if permission in held]
    return " ".join(roles) or "NOBODY"


def matrix_of(app: ASGIApp) -> str:
    """Return the matrix as the application has it."""
    lines = []
    for route in iter_route_contexts(getattr(app, "routes", [])):
        if isinstance(route.original_route, IndexedRoutes):
            continue  # the others again
        permission = access(route)
        lines += [
            f"{route.path:<56} {method:<4}  {permission:<25}  {holders(permission)}"
            for method in sorted(route.methods or {"GET"})
            if method != "HEAD"
        ]
    return "\n".join(sorted(lines)) + "\n"


def written_lines() -> list[Line]:
    lines = []
    for line in MATRIX.read_text(encoding="utf-8").splitlines():
        path, method, permission, *roles = line.split()
        lines.append(Line(method, path, permission, tuple(roles)))
    return lines


def guarded_lines() -> list[Line]:
    return [line for line in written_lines() if line.permission != "public"]


async def call(caller: Caller, line: Line) -> httpx.Response:
    match line.method:
        case "GET":
            return await caller.get(line.address)
        case "PUT":
            return await caller.put(line.address, {})
        case "DELETE":
            return await caller.delete(line.address)
        case _:
            return await caller.post(line.address, {}, key=fresh_key())


def code_of(answer: httpx.Response) -> str:
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.json()["code"] if is_problem else ""


def test_every_route_says_who_may_call_it(settings: Settings) -> None:
    assert matrix_of(create_app(settings)) == MATRIX.read_text(encoding="utf-8")


def test_the_matrix_leaves_no_permission_unused_and_no_route_unguarded() -> None:
    lines = written_lines()
    assert len(lines) > len(Permission)
    assert {line.permission for line in lines} == {*Permission, "public"}
    assert all(line.roles for line in lines)


def test_the_callers_of_these_tests_are_all_roles() -> None:
    assert set(CALLERS) == set(Role)


async def test_without_a_token_only_public_routes_answer(here: Neighbourhood) -> None:
    stranger = Caller(here.http)
    answers = {
        f"{line.method} {line.path}": (await call(stranger, line)).status_code
        for line in guarded_lines()
    }
    assert len(answers) == len(guarded_lines())
    assert {route for route, status in answers.items() if status != 401} == set()


@pytest.mark.parametrize("role", CALLERS)
async def test_a_role_is_refused_what_is_not_its_own(here: Neighbourhood, role: str) -> None:
    caller = await sign_in(here.http, CALLERS[role])
    others = [line for line in guarded_lines() if not {role, "signed_in"} & set(line.roles)]
    answers = {f"{line.method} {line.path}": code_of(await call(caller, line)) for line in others}
    assert answers
    assert {route for route, code in answers.items() if code != "forbidden"} == set()


@pytest.mark.parametrize("role", CALLERS)
async def test_a_role_is_let_in_where_the_matrix_says_so(here: Neighbourhood, role: str) -> None:
    caller = await sign_in(here.http, CALLERS[role])
    # Signing out would end the session that the next call needs.
    own = [
        line
        for line in guarded_lines()
        if {role, "signed_in"} & set(line.roles) and "/sign-out" not in line.path
    ]
    refused = set()
    for line in own:
        answer = await call(caller, line)
        if answer.status_code >= 500 or code_of(answer) in {"forbidden", "unauthenticated"}:
            refused.add(f"{line.method} {line.path}: {answer.status_code}")
    assert own
    assert refused == set()


async def test_a_public_route_asks_nobody_to_sign_in(here: Neighbourhood) -> None:
    stranger = Caller(here.http)
    open_lines = [line for line in written_lines() if line.permission == "public"]
    refused = set()
    for line in open_lines:
        answer = await call(stranger, line)
        if answer.status_code >= 500 or code_of(answer) in {"forbidden", "unauthenticated"}:
            refused.add(f"{line.method} {line.path}: {answer.status_code}")
    assert open_lines
    assert refused == set()
