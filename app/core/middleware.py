"""What happens around every request: its id, its log line, its metrics, its size limit.

Pure ASGI on purpose: Starlette's BaseHTTPMiddleware costs more than a whole check-in.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.metrics import HttpMetrics
from app.core.problem_handlers import BodyTooLarge, on_fault, problem_response
from app.core.request_context import begin_request

logger = structlog.get_logger()
HUNG_UP = 499  # as nginx calls a caller who did not wait
LONGEST_LENGTH = 18  # digits of a Content-Length that anybody means
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
        identifier = begin_request(_offered_id(scope))
        header = (b"x-request-id", identifier.encode())
        started = time.perf_counter()
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._metrics.observe(method, route, status, seconds)
        # A line that nobody wants to read is not even begun.
        if logging.getLogger().isEnabledFor(logging.INFO):
            logger.info(
                "request",
                method=method,
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 2),
            )


def _offered_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            offered: str = value.decode("latin-1")
            return offered
    return None


class FaultBarrier:
    """Answers a fault as a problem, inside the other layers, so that they treat it like any.

    A caller who hangs up while they are sending is none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_answered = False

        async def watched(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Nobody reads this answer; the log and the metrics do, and it is no fault of ours.
            if not has_answered:
                await Response(status_code=HUNG_UP)(scope, receive, send)
        except Exception as fault:
            if isinstance(fault, BodyGrewTooLarge) or has_answered or scope["type"] != "http":
                raise
            response = await on_fault(Request(scope), fault)
            await response(scope, receive, send)


class BodyGrewTooLarge(Exception):
    """The body grew past the limit while it was read."""


class BodyLimit:
    """Refuses bodies over `max_bytes`, declared or counted while they arrive.

    `larger` are paths whose bodies may have so many bytes instead.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._larger.get(scope["path"], self._max_bytes)
        body = _CountedBody(receive, send, max_bytes)
        headers = Headers(scope=scope)
        if not _is_declared_larger(headers.get("content-length", "0"), max_bytes):
            with suppress(BodyGrewTooLarge):
                await self._app(scope, body.receive, body.send)
            if body.has_answered or not body.is_too_large:
                return
        problem = BodyTooLarge(max_bytes=max_bytes)
        response = problem_response(problem, headers.get("accept-language"))
        await response(scope, receive, send)


def _is_declared_larger(length: str, max_bytes: int) -> bool:
    if not length.isdecimal():
        return False
    return len(length) > LONGEST_LENGTH or int(length) > max_bytes


class _CountedBody:
    """A request whose body is counted as it is read; once too large, only we may answer it."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._left = max_bytes
        self.is_too_large = False
        self.has_answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.is_too_large = True
            raise BodyGrewTooLarge
        return message

    async def send(self, message: Message) -> None:
        # Whoever was reading may take the exception for a malformed body, and say so.
        if self.has_answered or not self.is_too_large:
            self.has_answered = True
            await self._send(message)
