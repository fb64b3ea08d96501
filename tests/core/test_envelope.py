"""`X-Envelope: 1`: HTTP 200 and {code, msg, data} for whoever asks for it."""

import httpx
import pytest

from tests.support.neighbourhood import Neighbourhood

ASKED = {"X-Envelope": "1"}


async def test_an_answer_is_wrapped(http: httpx.AsyncClient) -> None:
    answer = await http.get("/livez", headers=ASKED)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.json() == {
        "code": 0,
        "msg": "ok",
        "data": {"status": "ok"},
        "request_id": answer.headers["X-Request-ID"],
    }


async def test_a_refusal_is_wrapped_with_its_status_and_message(http: httpx.AsyncClient) -> None:
    plain = (await http.get("/v1/me", headers={"Accept-Language": "zh-CN"})).json()
    answer = await http.get("/v1/me", headers=ASKED | {"Accept-Language": "zh-CN"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["code"] == 401
    assert body["msg"] == plain["message"] == "请先登录"
    assert body["data"]["code"] == "unauthenticated"
    assert body["data"]["status"] == 401
    assert body["request_id"] == body["data"]["request_id"] == answer.headers["X-Request-ID"]


async def test_what_was_created_is_wrapped_too(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    headers = resident.headers() | ASKED
    answer = await here.http.post("/v1/me/daily-check-in", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["code"] == 0
    assert answer.json()["data"]["points_gained"] == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [("/nowhere", 404), ("/v1/auth/local", 405), ("/v1/public/communities/x", 422)],
)
async def test_what_the_router_refuses_is_wrapped(
    http: httpx.AsyncClient, path: str, code: int
) -> None:
    answer = await http.get(path, headers=ASKED)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert answer.json()["data"]["status"] == code


async def test_pictures_and_pages_are_left_alone(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    headers = resident.headers() | ASKED
    picture = await here.http.get("/v1/me/code.png", headers=headers)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    page = await here.http.get("/c/x", headers=ASKED)
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    metrics = await here.http.get("/metrics", headers=ASKED)
    assert metrics.text.startswith("# HELP")


@pytest.mark.parametrize("value", ["0", "true", "", "11"])
async def test_nobody_gets_an_envelope_unasked(http: httpx.AsyncClient, value: str) -> None:
    answer = await http.get("/livez", headers={"X-Envelope": value})
    assert answer.json() == {"status": "ok"}


async def test_a_fault_is_wrapped_as_well(http: httpx.AsyncClient, broken_route: str) -> None:
    answer = await http.get(broken_route, headers=ASKED)
    assert answer.status_code == 200
    assert answer.json()["code"] == 500
    assert answer.json()["data"]["code"] == "server_fault"
