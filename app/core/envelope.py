"""The opt-in envelope: HTTP 200 and `{code, msg, data, request_id}` for whoever asks.

Many mini-program request wrappers expect it; send `X-Envelope: 1`. `code` is 0 on success,
else the HTTP status, and `data` is the whole answer or problem.
"""

import json
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.request_context import request_id

JSON_TYPES = ("application/json", "application/problem+json")


class Envelope:
    """Wraps JSON answers of requests that ask for it, and touches no others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or Headers(scope=scope).get("x-envelope") != "1":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def gather(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                content = _wrap(start, bytes(body))
                await send(start)
                await send({"type": "http.response.body", "body": content})

        await self._app(scope, receive, gather)


def _wrap(start: Message, body: bytes) -> bytes:
    headers = MutableHeaders(scope=start)
    if not headers.get("content-type", "").startswith(JSON_TYPES):
        return body
    status = start["status"]
    is_fine = status < HTTPStatus.BAD_REQUEST
    data = json.loads(body)
    envelope = {
        "code": 0 if is_fine else status,
        "msg": "ok" if is_fine else data.get("message", ""),
        "data": data,
        "request_id": request_id(),
    }
    content = json.dumps(envelope, ensure_ascii=False).encode()
    start["status"] = int(HTTPStatus.OK)
    headers["content-type"] = "application/json"
    headers["content-length"] = str(len(content))
    return content
