"""A lean endpoint answers as the framework would have it answer."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from app import api
from app.core import problem_handlers
from app.core.ids import Id
from app.core.lean import LeanRoutes, NotLean, is_lean, lean, resolver_of
from app.core.problems import Conflict, Forbidden
from app.core.schemas import Input

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


async def of_a_query(size: Annotated[int, Query()]) -> Response:
    """Ask for what only the framework gives."""
    return JSONResponse(size)


def test_what_only_the_framework_can_give_is_refused_at_the_start() -> None:
    with pytest.raises(NotLean, match="size"):
        resolver_of(of_a_query, "/things")
