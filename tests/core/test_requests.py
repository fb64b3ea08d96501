"""What happens around every request: ids, languages, sizes, and addresses that are not there."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from app.core.problem_handlers import language_of
from tests.core.conftest import SECRET
from tests.support.caller import problem_code

LIMIT = 1_048_576
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("offered", ["abcdefgh", "a.b-c_9" * 9, "01JD-0000-0000"])
async def test_a_well_formed_request_id_is_echoed(http: httpx.AsyncClient, offered: str) -> None:
    answer = await http.get("/v1/me", headers={"X-Request-ID": offered})
    assert answer.headers["X-Request-ID"] == offered
    assert answer.json()["request_id"] == offered


@pytest.mark.parametrize("offered", ["", "short", "a" * 65, "<script>alert(1)", "two words"])
async def test_any_other_request_id_is_replaced(http: httpx.AsyncClient, offered: str) -> None:
    answer = await http.get("/v1/me", headers={"X-Request-ID": offered})
    given = answer.headers["X-Request-ID"]
    assert given != offered
    assert len(given) == 16
    assert answer.json()["request_id"] == given


async def test_two_requests_have_two_ids(http: httpx.AsyncClient) -> None:
    first, second = await http.get("/livez"), await http.get("/livez")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr-FR, en;q=0.5, zh;q=0.1", "en"),
        ("fr, de", "zh"),
        ("ZH-TW", "zh"),
        ("*", "zh"),
        (";;;,,,", "zh"),
        ("eng", "zh"),
        ("en;q=0, zh", "zh"),
        ("en;q=0.1, zh;q=0.9", "zh"),
        ("en;q=x", "zh"),
        ("zh;q=0", "zh"),
        ("en ; q=0.5", "en"),
    ],
)
def test_the_language_is_the_one_preferred_of_the_two(
    accept_language: str | None, language: str
) -> None:
    assert language_of(accept_language) == language


@pytest.mark.parametrize(
    ("accept_language", "content_language", "title"),
    [("zh-CN", "zh-CN", "请先登录"), ("en-US", "en", "Sign in first"), ("ja", "zh-CN", "请先登录")],
)
async def test_a_refusal_speaks_the_callers_language(
    http: httpx.AsyncClient, accept_language: str, content_language: str, title: str
) -> None:
    answer = await http.get("/v1/me", headers={"Accept-Language": accept_language})
    assert answer.headers["Content-Language"] == content_language
    assert answer.json() == {
        "type": "/problems/unauthenticated",
        "title": title,
        "status": 401,
        "code": "unauthenticated",
        "message": title,
        "request_id": answer.headers["X-Request-ID"],
    }


async def test_a_body_of_the_largest_size_is_read(http: httpx.AsyncClient) -> None:
    body = json.dumps({"ticket": ""}).encode()
    body += b" " * (LIMIT - len(body))
    answer = await http.post("/v1/auth/local", content=body, headers=JSON)
    assert answer.status_code == 422


async def test_a_body_declared_too_large_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/local", content=b" " * (LIMIT + 1), headers=JSON)
    assert answer.status_code == 413
    assert problem_code(answer) == "body_too_large"
    assert answer.json()["max_bytes"] == LIMIT
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]


async def test_a_body_that_grows_too_large_is_refused(http: httpx.AsyncClient) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 65_536
            yield b" " * 65_536

    answer = await http.post("/v1/auth/local", content=chunks(), headers=JSON)
    assert answer.status_code == 413
    assert problem_code(answer) == "body_too_large"
    assert answer.json()["max_bytes"] == LIMIT


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "9" * 5000])
async def test_a_nonsense_length_is_no_fault(http: httpx.AsyncClient, length: str) -> None:
    headers = JSON | {"Content-Length": length}
    answer = await http.post("/v1/auth/local", content=b'{"ticket": ""}', headers=headers)
    assert answer.status_code in {413, 422}


@pytest.mark.parametrize("path", ["/", "/nowhere", "/v1", "/v1/me/", "/v2/me", "/docs/assets/x"])
async def test_an_unknown_address_is_a_problem(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert problem_code(answer) == "path_unknown"
    assert answer.json()["title"] == "There is nothing at this address"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_method_that_is_not_offered_names_those_that_are(
    http: httpx.AsyncClient, method: str
) -> None:
    answer = await http.request(method, "/v1/auth/local")
    assert answer.status_code == 405
    assert problem_code(answer) == "method_not_offered"
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"ticket"', b"\xff\xfe", b'{"ticket": NaN}', b"[" * 100_000],
    ids=repr,
)
async def test_a_body_that_is_no_json_object_is_malformed(
    http: httpx.AsyncClient, body: bytes
) -> None:
    answer = await http.post("/v1/auth/local", content=body, headers=JSON)
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_under_another_name_is_malformed(
    http: httpx.AsyncClient, media_type: str
) -> None:
    headers = {"Content-Type": media_type}
    answer = await http.post("/v1/auth/local", content=b'{"ticket": "resident-1"}', headers=headers)
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


async def test_a_malformed_request_is_told_where(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/wechat", json={"code": "x", "extra": 1})
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/body/app_id", "/body/extra"}
    assert all(error["detail"] for error in answer.json()["errors"])


async def test_a_malformed_value_is_not_sent_back(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/local", json={"ticket": "<script>" * 100})
    assert "<script>" not in answer.text


async def test_a_fault_is_a_problem_without_its_text(
    http: httpx.AsyncClient, broken_route: str
) -> None:
    answer = await http.get(broken_route, headers={"X-Request-ID": "request-of-mine"})
    assert answer.status_code == 500
    assert problem_code(answer) == "server_fault"
    assert SECRET not in answer.text
    assert answer.json()["request_id"] == "request-of-mine"
    assert answer.headers["X-Request-ID"] == "request-of-mine"
