"""Sign-in with WeChat: the client against the double, and against what no double would do."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn

from app.wechat.client import WeChatClient, WeChatSession
from app.wechat.errors import (
    WeChatAccountBlocked,
    WeChatCodeInvalid,
    WeChatMisconfigured,
    WeChatUnavailable,
)
from tests.doubles.wechat import WeChatDouble

APP_ID = "wx1111111111111111"
OTHER_APP_ID = "wx2222222222222222"
SECRET = "not-to-be-seen"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def double(clock: Clock) -> WeChatDouble:
    return WeChatDouble({APP_ID: SECRET, OTHER_APP_ID: SECRET}, clock=clock)


@pytest.fixture
async def http(double: WeChatDouble) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as http:
        yield http


@pytest.fixture
def wechat(http: httpx.AsyncClient) -> WeChatClient:
    return make_client(http)


def make_client(
    http: httpx.AsyncClient,
    *,
    app_id: str = APP_ID,
    secret: str = SECRET,
    base_url: str = "https://api.weixin.qq.com/",
) -> WeChatClient:
    return WeChatClient(http, app_id, secret, base_url)


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> WeChatClient:
    return make_client(httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_a_code_tells_who_signed_in(wechat: WeChatClient, double: WeChatDouble) -> None:
    session = await wechat.code_to_session("ok-anna")
    assert session == WeChatSession(open_id=double.open_id(APP_ID, "anna"), union_id=None)
    assert len(session.open_id) == 28


async def test_a_person_keeps_the_open_id_from_code_to_code(
    wechat: WeChatClient, double: WeChatDouble
) -> None:
    first = await wechat.code_to_session(double.issue_code("anna"))
    second = await wechat.code_to_session(double.issue_code("anna"))
    other = await wechat.code_to_session(double.issue_code("boris"))
    assert first == second != other


async def test_two_apps_of_one_owner_share_the_union_id_only(
    http: httpx.AsyncClient, double: WeChatDouble
) -> None:
    double.open_platform = "owner"
    resident_app = await make_client(http).code_to_session("ok-anna.1")
    staff_app = await make_client(http, app_id=OTHER_APP_ID).code_to_session("ok-anna.2")
    assert resident_app.union_id == staff_app.union_id is not None
    assert resident_app.open_id != staff_app.open_id


async def test_a_code_works_once(wechat: WeChatClient) -> None:
    await wechat.code_to_session("ok-anna")
    with pytest.raises(WeChatCodeInvalid):
        await wechat.code_to_session("ok-anna")


async def test_a_code_works_for_five_minutes(
    wechat: WeChatClient, double: WeChatDouble, clock: Clock
) -> None:
    in_time, too_late = double.issue_code("anna"), double.issue_code("anna")
    clock.now += timedelta(minutes=4, seconds=59)
    await wechat.code_to_session(in_time)
    clock.now += timedelta(seconds=1)
    with pytest.raises(WeChatCodeInvalid):
        await wechat.code_to_session(too_late)


@pytest.mark.parametrize("code", ["expired", "made up", "ok-", "ok", "&secret=x#?"])
async def test_a_code_wechat_does_not_know_is_invalid(wechat: WeChatClient, code: str) -> None:
    with pytest.raises(WeChatCodeInvalid):
        await wechat.code_to_session(code)


@pytest.mark.parametrize("code", ["", "a" * 513, "微信", "\ud800"])
async def test_what_cannot_be_a_code_is_not_sent(
    wechat: WeChatClient, double: WeChatDouble, code: str
) -> None:
    with pytest.raises(WeChatCodeInvalid):
        await wechat.code_to_session(code)
    assert double.asked_codes == []


async def test_a_risky_account_is_blocked(wechat: WeChatClient) -> None:
    with pytest.raises(WeChatAccountBlocked):
        await wechat.code_to_session("risk-anna")


async def test_a_busy_wechat_is_asked_a_second_time(
    wechat: WeChatClient, double: WeChatDouble
) -> None:
    session = await wechat.code_to_session("busy-anna")
    assert session.open_id == double.open_id(APP_ID, "anna")
    assert double.asked_codes == ["busy-anna"] * 2


async def test_a_busy_wechat_is_not_asked_a_third_time(
    wechat: WeChatClient, double: WeChatDouble
) -> None:
    with pytest.raises(WeChatUnavailable) as caught:
        await wechat.code_to_session("busy")
    assert caught.value.extensions == {"retry_after_seconds": 5}
    assert double.asked_codes == ["busy"] * 2


async def test_a_used_up_minute_quota_is_waited_for(
    wechat: WeChatClient, double: WeChatDouble
) -> None:
    with pytest.raises(WeChatUnavailable) as caught:
        await wechat.code_to_session("limit")
    assert caught.value.extensions == {"retry_after_seconds": 60}
    assert double.asked_codes == ["limit"]


@pytest.mark.parametrize(
    ("app_id", "secret", "errcode"),
    [("wx0", SECRET, 40013), (APP_ID, "wrong", 40125), ("", SECRET, 41002), (APP_ID, "", 41004)],
)
async def test_wrong_settings_are_our_fault(
    http: httpx.AsyncClient, app_id: str, secret: str, errcode: int
) -> None:
    wechat = make_client(http, app_id=app_id, secret=secret)
    with pytest.raises(WeChatMisconfigured) as caught:
        await wechat.code_to_session("ok-anna")
    assert caught.value.errcode == errcode
    assert SECRET not in str(caught.value)


async def test_an_errcode_nobody_told_us_of_is_our_fault() -> None:
    wechat = answering(lambda _: httpx.Response(200, json={"errcode": 40164, "errmsg": "ip"}))
    with pytest.raises(WeChatMisconfigured, match="40164"):
        await wechat.code_to_session("ok-anna")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(500, json={"openid": "o1"}),
        httpx.Response(302, headers={"Location": "https://example.cn/"}),
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"openid": ""}),
        httpx.Response(200, json={"openid": 5}),
        httpx.Response(200, json={"errcode": "busy"}),
        httpx.Response(200, content=b"x", headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unavailable(response: httpx.Response) -> None:
    with pytest.raises(WeChatUnavailable) as caught:
        await answering(lambda _: response).code_to_session("ok-anna")
    assert caught.value.extensions == {"retry_after_seconds": 5}


async def test_a_content_type_is_not_believed() -> None:
    headers = {"Content-Type": "image/jpeg"}
    body = b'{"openid":"o1","session_key":"k","errcode":0,"unionid":""}'
    wechat = answering(lambda _: httpx.Response(200, content=body, headers=headers))
    assert await wechat.code_to_session("ok-anna") == WeChatSession("o1", None)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
async def test_a_broken_line_is_unavailable_and_not_tried_again(
    error: type[httpx.TransportError],
) -> None:
    asked: list[httpx.Request] = []

    def break_off(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise error("broken", request=request)

    with pytest.raises(WeChatUnavailable):
        await answering(break_off).code_to_session("ok-anna")
    assert len(asked) == 1


async def test_a_wechat_that_never_answers_is_given_up() -> None:
    async def sleep(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(sleep), timeout=None) as http:  # noqa: S113
        wechat = WeChatClient(http, APP_ID, SECRET, "http://test", answer_within_seconds=0.01)
        with pytest.raises(WeChatUnavailable):
            await wechat.code_to_session("ok-anna")


async def test_the_request_is_the_documented_one() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"openid": "o1"})

    await answering(answer).code_to_session("0a b&c")
    assert asked[0].method == "GET"
    assert str(asked[0].url.copy_with(query=None)) == (
        "https://api.weixin.qq.com/sns/jscode2session"
    )
    assert dict(asked[0].url.params) == {
        "appid": APP_ID,
        "secret": SECRET,
        "js_code": "0a b&c",
        "grant_type": "authorization_code",
    }


async def test_neither_secret_nor_session_key_is_logged_or_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = {"openid": "o1", "session_key": "key-of-the-session"}
    caplog.set_level(logging.DEBUG)
    session = await answering(lambda _: httpx.Response(200, json=body)).code_to_session("ok-anna")
    assert SECRET not in caplog.text
    assert "key-of-the-session" not in repr(session)


async def test_a_broken_answer_does_not_show_its_session_key() -> None:
    broken = b'{"session_key":"key-of-the-session"'
    with pytest.raises(WeChatUnavailable) as caught:
        await answering(lambda _: httpx.Response(200, content=broken)).code_to_session("ok-anna")
    assert caught.value.__cause__ is None
    assert "key-of-the-session" not in str(caught.value.__context__)


async def test_a_redirect_does_not_take_the_secret_elsewhere() -> None:
    asked: list[str] = []

    def send_away(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(307, headers={"Location": "https://example.cn/"})

    transport = httpx.MockTransport(send_away)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
        with pytest.raises(WeChatUnavailable):
            await make_client(http).code_to_session("ok-anna")
    assert asked == ["api.weixin.qq.com"]


async def test_the_double_answers_on_this_machine(double: WeChatDouble) -> None:
    server = uvicorn.Server(
        uvicorn.Config(double.app, ws="none", lifespan="off", log_level="error")
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        async with httpx.AsyncClient(trust_env=False) as http:
            wechat = make_client(http, base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
            session = await wechat.code_to_session("ok-anna")
        server.should_exit = True
        await serving
    assert session.open_id == double.open_id(APP_ID, "anna")
