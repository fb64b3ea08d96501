"""A lean endpoint answers as the framework would have it answer."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from structlog.testing import capture_logs

from app import api
from app.core import problem_handlers
from app.core.ids import Id
from app.core.lean import LeanRoutes, NotLean, is_lean, lean, resolver_of
from app.core.problems import Conflict, Forbidden
from app.core.schemas import Input
from app.core.transactions import Session
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

ADDRESS = "/things/{thing_id}"


class Thing(Input):
    """What is sent."""

    size: int
    label: str


class TooBig(Conflict):
    """This is too big."""

    title_zh = "太大了"


async def only_friends(request: Request) -> str:
    if "stranger" in request.headers:
        raise Forbidden
    return "friend"


async def answer(
    body: Thing,
    thing_id: Id,
    who: Annotated[str, Depends(only_friends)],
    note: Annotated[str | None, Header(max_length=5)] = None,
    idempotency_key: Annotated[str | None, Header(min_length=2)] = None,
) -> Response:
    """Answer with what was understood."""
    if body.size > 100:
        raise TooBig
    if body.size < 0:
        raise ZeroDivisionError
    understood = [thing_id, who, body.label, note, idempotency_key]
    return JSONResponse([str(part) for part in understood], status_code=201)


async def answer_leanly(
    body: Thing,
    thing_id: Id,
    who: Annotated[str, Depends(only_friends)],
    note: Annotated[str | None, Header(max_length=5)] = None,
    idempotency_key: Annotated[str | None, Header(min_length=2)] = None,
) -> Response:
    """Do the same without the framework."""
    return await answer(body, thing_id, who, note, idempotency_key)


def application(*, is_taken_before: bool) -> FastAPI:
    """An application with one route, answered leanly or by the framework."""
    router = APIRouter()
    endpoint = lean(answer_leanly) if is_taken_before else answer
    router.post(ADDRESS, status_code=201, response_model=list[str])(endpoint)
    app = FastAPI(redirect_slashes=False)
    app.include_router(router)
    problem_handlers.install(app)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    app.add_middleware(LeanRoutes, routes=routes)
    return app


@pytest.fixture
async def both() -> AsyncIterator[list[httpx.AsyncClient]]:
    """The lean way and the framework's."""
    clients = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(
                app=application(is_taken_before=is_lean), raise_app_exceptions=False
            ),
            base_url="http://test",
        )
        for is_lean in (True, False)
    ]
    yield clients
    for client in clients:
        await client.aclose()


def test_only_what_is_marked_is_taken_before_the_framework() -> None:
    marked = {route.path for route in api.all_routes() if is_lean(route)}
    assert {"/v1/me/check-ins", "/v1/staff/check-ins", "/v1/me/daily-check-in"} <= marked
    assert "/v1/me/home" not in marked


GOOD = '{"size": 1, "label": "铁锅"}'


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/things/7", {}, GOOD),
        ("/things/7", {"note": "brief", "idempotency-key": "ab"}, GOOD),
        ("/things/x", {}, GOOD),
        ("/things/7", {"note": "too long"}, GOOD),
        ("/things/7", {"idempotency-key": "a"}, GOOD),
        ("/things/7", {}, '{"size": "many", "label": "x"}'),
        ("/things/7", {}, '{"size": 1}'),
        ("/things/7", {}, '{"size": 1, "label": "x", "more": 1}'),
        ("/things/7", {"stranger": "yes"}, '{"size": "many"}'),
        ("/things/7", {}, '{"size": 101, "label": "x"}'),
        ("/things/7", {"accept-language": "en"}, '{"size": 101, "label": "x"}'),
        ("/things/7", {}, '{"size": -1, "label": "x"}'),
        ("/things/7", {"content-type": "text/plain"}, GOOD),
        ("/things/7", {"content-type": "application/x-www-form-urlencoded"}, GOOD),
        ("/things/7", {"content-type": ""}, GOOD),
        ("/things/7", {"content-type": "Application/JSON; charset=utf-8"}, GOOD),
        ("/things/7", {"content-type": "application/things+json"}, GOOD),
        ("/things/7/", {}, GOOD),
        ("/nothing", {}, GOOD),
    ],
)
async def test_both_ways_answer_alike(
    both: list[httpx.AsyncClient], path: str, headers: dict[str, str], body: str
) -> None:
    sent: dict[str, Any] = {"headers": {"content-type": "application/json"} | headers}
    leanly, usually = [await way.post(path, content=body, **sent) for way in both]

    assert leanly.status_code == usually.status_code
    assert leanly.json() == usually.json()
    assert dict(leanly.headers) == dict(usually.headers)


async def test_another_method_is_left_to_the_framework(both: list[httpx.AsyncClient]) -> None:
    leanly, usually = [await way.get("/things/7") for way in both]
    assert leanly.status_code == usually.status_code == 405


@pytest.mark.parametrize("body", ["", "{", '{"size": 1,}', "\x00", "[]", "null"])
async def test_what_is_no_object_is_malformed_either_way(
    both: list[httpx.AsyncClient], body: str
) -> None:
    headers = {"content-type": "application/json"}
    leanly, usually = [await way.post("/things/7", content=body, headers=headers) for way in both]

    assert leanly.status_code == usually.status_code == 422
    assert leanly.json()["code"] == usually.json()["code"] == "request_invalid"


async def test_a_body_that_grows_too_large_is_refused_and_no_fault(
    http: httpx.AsyncClient, here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    resident = await here.caller("resident-1")
    headers = {"content-type": "application/json", **resident.headers()}
    with capture_logs() as logged:
        monkeypatch.setattr("app.core.problem_handlers.logger", structlog.get_logger())
        answer = await http.post("/v1/me/check-ins", content=chunks(), headers=headers)

    assert (answer.status_code, problem_code(answer)) == (413, "body_too_large")
    assert "fault" not in {line["event"] for line in logged}


async def of_a_query(size: Annotated[int, Query()]) -> Response:
    """Ask for what only the framework gives."""
    return JSONResponse(size)


async def of_a_transaction(session: Session) -> Response:
    """Ask for what the framework opens and closes."""
    return JSONResponse(session.is_active)


def test_what_only_the_framework_can_give_is_refused_at_the_start() -> None:
    with pytest.raises(NotLean, match="size"):
        resolver_of(of_a_query, "/things")
    with pytest.raises(NotLean, match="get_session"):
        resolver_of(of_a_transaction, "/things")


async def of_a_header(note: Annotated[str, Header()]) -> Response:
    """Ask for a header that has to be there."""
    return JSONResponse(note)


async def test_a_header_that_has_to_be_there_is_missed() -> None:
    request = Request({"type": "http", "headers": []})
    with pytest.raises(RequestValidationError):
        await resolver_of(of_a_header)(request)
