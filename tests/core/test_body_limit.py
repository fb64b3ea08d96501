"""A path may take larger bodies than the others: where photos are sent."""

import json

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.core.middleware import BodyLimit
from tests.support.caller import problem_code


async def length_of_body(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await JSONResponse(len(body))(scope, receive, send)


async def post(path: str, length: int) -> httpx.Response:
    limited = BodyLimit(length_of_body, max_bytes=10, larger={"/photos": 20})
    transport = httpx.ASGITransport(app=limited)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.post(path, content=b" " * length)


@pytest.mark.parametrize(("path", "limit"), [("/photos", 20), ("/photos/1", 10), ("/photo", 10)])
async def test_a_path_has_the_limit_it_was_given(path: str, limit: int) -> None:
    taken = await post(path, limit)
    assert json.loads(taken.content) == limit
    refused = await post(path, limit + 1)
    assert refused.status_code == 413
    assert problem_code(refused) == "body_too_large"
    assert refused.json()["max_bytes"] == limit
