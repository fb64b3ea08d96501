"""What happens around every request: its id, its log line, its metrics, its size limit.

Pure ASGI on purpose: Starlette's BaseHTTPMiddleware costs more than a whole check-in.
"""

import time
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.metrics import HttpMetrics
from app.core.problem_handlers import BodyTooLarge, problem_response
from app.core.request_context import begin_request

logger = structlog.get_logger()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class RequestObserver:
    """Gives each request an id, logs one line for it and counts it."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = begin_request(Headers(scope=scope).get("x-request-id"))
        started = time.perf_counter()
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)["X-Request-ID"] = identifier
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=identifier):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._metrics.observe(method, route, status, seconds)
        logger.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )


class _TooLarge(Exception):
    """The body grew past the limit while it was read."""


class BodyLimit:
    """Refuses bodies over `max_bytes`, declared or counted while they arrive."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise _TooLarge
            return message

        is_declared_too_large = declared.isdecimal() and int(declared) > self._max_bytes
        try:
            if not is_declared_too_large:
                await self._app(scope, limited, send)
                return
        except _TooLarge:
            pass
        problem = BodyTooLarge(max_bytes=self._max_bytes)
        response = problem_response(problem, headers.get("accept-language"))
        await response(scope, receive, send)
