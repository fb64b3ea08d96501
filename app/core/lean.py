"""Lean routes: a hot endpoint called without the framework's machinery around it.

FastAPI keeps the route: it documents it, and would answer it the same way. But finding it, solving
its dependencies and validating its answer cost several times what the endpoint's own work does,
so requests to an endpoint marked `@lean` are taken before the framework. It is the same function
with the same dependencies, called directly: the request, a body of one model, what stands in the
path or a header, and dependencies that need no more than these. It returns its response itself.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from fastapi import Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.middleware import BodyGrewTooLarge
from app.core.problem_handlers import answer_error
from app.core.route_index import RouteIndex

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Response]])
Resolve = Callable[[Request], Awaitable[Any]]
MARK = "is_lean"


class NotLean(TypeError):
    """An endpoint asks for something that only the framework can give; the message says what."""


def lean(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint to be called directly; it must return a Response."""
    setattr(endpoint, MARK, True)
    return endpoint


def is_lean(route: APIRoute) -> bool:
    return getattr(route.endpoint, MARK, False)


class LeanRoutes:
    """Answers requests to those of the routes that are lean, and hands on all others."""

    def __init__(self, app: ASGIApp, *, routes: Iterable[APIRoute]) -> None:
        routes = [route for route in routes if is_lean(route)]
        self._app = app
        self._index = RouteIndex(routes)
        self._resolvers = {
            route.endpoint: resolver_of(route.endpoint, route.path) for route in routes
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["type"] == "http":
            found = self._index.find(scope["method"], scope["path"])
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["path_params"] = found
        request = Request(scope, receive, send)
        try:
            response = await self._resolvers[found[0].endpoint](request)
        except (ClientDisconnect, BodyGrewTooLarge):
            raise  # nobody is there to be answered, or the limit answers itself
        except Exception as error:  # noqa: BLE001 - answered, as by the framework
            response = await answer_error(request, error)
        await response(scope, receive, send)


def resolver_of(function: Callable[..., Any], path: str = "") -> Resolve:
    """Return how to call a function with what its signature asks for; raises NotLean."""
    called = function if inspect.isroutine(function) else type(function).__call__
    if not inspect.iscoroutinefunction(called):
        raise NotLean(f"{function} is not awaited")
    hints = get_type_hints(called, include_extras=True)
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    # Who may not call this is told so before what is wrong with the request, as by the framework.
    names.sort(key=lambda name: not _is_dependency(hints[name]))
    parts = [(name, _part(name, hints[name], path)) for name in names]

    async def resolve(request: Request) -> Any:
        return await function(**{name: await part(request) for name, part in parts})

    return resolve


def _is_dependency(hint: Any) -> bool:
    return any(isinstance(part, params.Depends) for part in get_args(hint)[1:])


def _part(name: str, hint: Any, path: str) -> Resolve:
    if hint in (Request, HTTPConnection):
        return _request
    if f"{{{name}}}" in path:
        return _read_path(name, TypeAdapter(hint))
    if get_origin(hint) is Annotated:
        for part in get_args(hint)[1:]:
            if isinstance(part, params.Depends) and part.dependency is not None:
                return resolver_of(part.dependency, path)
            if isinstance(part, params.Header):
                return _read_header(name.replace("_", "-"), TypeAdapter(hint))
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return _read_body(hint)
    raise NotLean(f"{name}: {hint}")


async def _request(request: Request) -> Request:
    return request


def _read_path(name: str, adapter: TypeAdapter[Any]) -> Resolve:
    async def read(request: Request) -> Any:
        return _validated(adapter.validate_python, request.path_params[name], "path", name)

    return read


def _read_header(name: str, adapter: TypeAdapter[Any]) -> Resolve:
    async def read(request: Request) -> Any:
        return _validated(adapter.validate_python, request.headers.get(name), "header", name)

    return read


def _read_body(model: type[BaseModel]) -> Resolve:
    async def read(request: Request) -> Any:
        body = await request.body()
        if body and not _is_json(request.headers.get("content-type", "")):
            return _validated(partial(model.model_validate, from_attributes=True), body, "body")
        return _validated(model.model_validate_json, body, "body")

    return read


def _is_json(media_type: str) -> bool:
    kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _validated(validate: Callable[[Any], Any], value: Any, *place: str) -> Any:
    """Return a valid value; else raise as the framework does, and say where it stood."""
    try:
        return validate(value)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False)
        errors = [error | {"loc": (*place, *error["loc"])} for error in found]
        raise RequestValidationError(errors) from invalid
