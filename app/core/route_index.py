"""Finding a request's route at once.

The framework tries one route after another; with some 200 of them that costs more than most
answers do. The index looks along the path's segments and lets only the routes that it finds there
say whether they are meant. What it does not know (a wrong address, a wrong method) is left to the
framework, which answers as ever.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send
from typing_extensions import override

Found = tuple[APIRoute, dict[str, Any]]
# Whatever stands in the place of a parameter.
PARAMETER = "{"


@dataclass(slots=True)
class _Branch:
    """The routes that end here, and where the next segment leads."""

    routes: list[APIRoute] = field(default_factory=list)
    segments: dict[str, "_Branch"] = field(default_factory=dict)


class RouteIndex:
    """Routes by the segments of their paths."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._root = _Branch()
        for route in routes:
            branch = self._root
            for segment in route.path.split("/"):
                name = PARAMETER if PARAMETER in segment else segment
                branch = branch.segments.setdefault(name, _Branch())
            branch.routes.append(route)

    def find(self, method: str, path: str) -> Found | None:
        """Return the route of a request and its path parameters, as text; None if there is none."""
        for route in _routes_at(self._root, path.split("/"), 0):
            if method in (route.methods or ()):
                matched = route.path_regex.match(path)
                if matched is not None:
                    return route, matched.groupdict()
        return None


def _routes_at(branch: _Branch, segments: Sequence[str], at: int) -> Iterator[APIRoute]:
    """Yield the routes that a path leads to: by its words first, then by parameters."""
    if at == len(segments):
        yield from branch.routes
        return
    for name in (segments[at], PARAMETER):
        if (following := branch.segments.get(name)) is not None:
            yield from _routes_at(following, segments, at + 1)


class IndexedRoutes(BaseRoute):
    """All of an application's routes in one: put first, the framework asks it before all others."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._index = RouteIndex(routes)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found = None
        if scope["type"] == "http":
            found = self._index.find(scope["method"], scope["path"])
        if found is None:
            return Match.NONE, {}
        route, parameters = found
        return Match.FULL, {
            "endpoint": route.endpoint, "path_params": parameters, "route": route,
        }  # fmt: skip

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].app(scope, receive, send)
