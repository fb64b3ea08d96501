"""What all calls share: the access token, its renewal, and what must not be seen."""

import asyncio
import logging

import httpx
import pytest

from app.wechat.client import WeChatClient
from app.wechat.content import Scene, Suggest
from app.wechat.errors import WeChatMisconfigured, WeChatUnavailable
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock
from tests.wechat.asking import APP_ID, SECRET, TOKEN, Script, client_of, saying


async def is_fine(wechat: WeChatClient, open_id: str) -> bool:
    verdict = await wechat.check_text("你好", open_id=open_id, scene=Scene.FORUM)
    return verdict.suggest == Suggest.PASS


async def test_the_token_is_asked_for_once(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    assert [await is_fine(wechat, anna) for _ in range(3)] == [True] * 3
    assert double.tokens.asked == [APP_ID]


async def test_calls_at_the_same_moment_ask_for_one_token(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    assert all(await asyncio.gather(*(is_fine(wechat, anna) for _ in range(8))))
    assert double.tokens.asked == [APP_ID]


async def test_the_token_is_renewed_five_minutes_before_its_end(
    wechat: WeChatClient, double: WeChatDouble, clock: Clock, anna: str
) -> None:
    await is_fine(wechat, anna)
    clock.advance(minutes=114, seconds=59)
    await is_fine(wechat, anna)
    assert len(double.tokens.asked) == 1
    clock.advance(seconds=1)
    await is_fine(wechat, anna)
    assert len(double.tokens.asked) == 2


async def test_no_token_is_ever_forced(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    await is_fine(wechat, anna)
    double.invalidate_token()
    await is_fine(wechat, anna)
    asked = [body for body in double.bodies if "grant_type" in body]
    assert len(asked) == 2
    assert all(not body.get("force_refresh") for body in asked)


async def test_a_token_that_became_invalid_is_replaced_unnoticed(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    await is_fine(wechat, anna)
    double.invalidate_token()
    assert await is_fine(wechat, anna)
    assert len(double.tokens.asked) == 2


async def test_a_token_that_ended_early_is_replaced_unnoticed(
    to_wechat: httpx.AsyncClient, double: WeChatDouble, clock: Clock, anna: str
) -> None:
    wechat = client_of(to_wechat, seconds=lambda: 0.0)
    await is_fine(wechat, anna)
    clock.advance(hours=2)
    assert await is_fine(wechat, anna)
    assert len(double.tokens.asked) == 2


async def test_calls_whose_token_became_invalid_ask_for_one_new_token(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    await is_fine(wechat, anna)
    double.invalidate_token()
    assert all(await asyncio.gather(*(is_fine(wechat, anna) for _ in range(8))))
    assert len(double.tokens.asked) == 2


CALLS = 4


class SlowWeChat:
    """A WeChat that takes its time over tokens and stops taking the first one when told.

    It refuses that one only when all calls have come in with it, and all but the first of them
    only when the second token is in use.
    """

    def __init__(self) -> None:
        self.tokens_given = 0
        self.refused = 0
        self.is_first_token_good = True
        self.all_came_in = asyncio.Event()
        self.is_renewed = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/stable_token":
            self.tokens_given += 1
            token = f"token-{self.tokens_given}"
            for _ in range(20):
                await asyncio.sleep(0)
            return httpx.Response(200, json={"access_token": token, "expires_in": 7200})
        if request.url.params["access_token"] != "token-1":
            self.is_renewed.set()
        elif not self.is_first_token_good:
            await self.wait_for_turn()
            return httpx.Response(200, json={"errcode": 42001})
        result = {"suggest": "pass", "label": 100}
        return httpx.Response(200, json={"errcode": 0, "result": result, "trace_id": "t"})

    async def wait_for_turn(self) -> None:
        self.refused += 1
        is_first = self.refused == 1
        if self.refused == CALLS:
            self.all_came_in.set()
        await self.all_came_in.wait()
        if not is_first:
            await self.is_renewed.wait()


async def test_slow_tokens_are_asked_for_once_and_a_late_refusal_spares_the_new_one() -> None:
    slow = SlowWeChat()
    wechat = client_of(httpx.AsyncClient(transport=httpx.MockTransport(slow)))
    assert all(await asyncio.gather(*(is_fine(wechat, "o1") for _ in range(CALLS))))
    assert slow.tokens_given == 1
    slow.is_first_token_good = False
    assert all(await asyncio.gather(*(is_fine(wechat, "o1") for _ in range(CALLS))))
    assert slow.refused == CALLS
    assert slow.tokens_given == 2


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_a_token_refused_twice_is_given_up(errcode: int) -> None:
    script = saying(errcode)
    with pytest.raises(WeChatUnavailable):
        await is_fine(script.client(), "o1")
    assert len(script.asked) == 2
    assert script.tokens_given == 2


async def test_each_app_has_its_own_token(
    to_wechat: httpx.AsyncClient, double: WeChatDouble, wechat: WeChatClient, anna: str
) -> None:
    other = WeChatClient(to_wechat, "wx2222222222222222", SECRET, "http://wechat")
    session = await other.code_to_session(double.issue_code("anna"))
    assert await is_fine(wechat, anna)
    assert await is_fine(other, session.open_id)
    assert len(set(double.tokens.asked)) == 2


async def test_a_token_is_asked_for_again_after_a_failure(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    double.apps[APP_ID] = "changed"
    with pytest.raises(WeChatMisconfigured) as caught:
        await is_fine(wechat, anna)
    assert caught.value.errcode == 40125
    double.apps[APP_ID] = SECRET
    assert await is_fine(wechat, anna)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"errcode": 40001, "errmsg": "invalid credential"}, WeChatMisconfigured),
        ({"errcode": 40164, "errmsg": "invalid ip"}, WeChatMisconfigured),
        ({"errcode": -1}, WeChatUnavailable),
        ({"errcode": 45009}, WeChatUnavailable),
        ({}, WeChatUnavailable),
        ({"access_token": "", "expires_in": 7200}, WeChatUnavailable),
        ({"access_token": 5}, WeChatUnavailable),
        ([], WeChatUnavailable),
    ],
)
async def test_a_call_without_a_token_is_not_made(body: object, error: type[Exception]) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json=body)

    wechat = client_of(httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    with pytest.raises(error):
        await is_fine(wechat, "o1")
    assert paths == ["/cgi-bin/stable_token"]


@pytest.mark.parametrize(("errcode", "seconds"), [(-1, 5), (44991, 60), (45011, 60), (45009, 3600)])
async def test_a_limit_says_how_long_to_wait(errcode: int, seconds: int) -> None:
    with pytest.raises(WeChatUnavailable) as caught:
        await is_fine(saying(errcode).client(), "o1")
    assert caught.value.extensions == {"retry_after_seconds": seconds}


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(502, text="<html>Bad Gateway</html>"),
        httpx.Response(302, headers={"Location": "https://example.cn/"}),
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"errcode": "busy"}),
        httpx.Response(200, json={"errcode": 0, "errmsg": "ok"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unavailable(response: httpx.Response) -> None:
    with pytest.raises(WeChatUnavailable):
        await is_fine(Script(lambda _: response).client(), "o1")


async def test_a_content_type_is_not_believed() -> None:
    body = b'{"errcode":0,"result":{"suggest":"pass","label":100},"trace_id":"t"}'
    headers = {"Content-Type": "image/jpeg"}
    script = Script(lambda _: httpx.Response(200, content=body, headers=headers))
    assert await is_fine(script.client(), "o1")


async def test_a_wechat_that_never_answers_is_given_up() -> None:
    async def sleep(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    http = httpx.AsyncClient(transport=httpx.MockTransport(sleep), timeout=None)  # noqa: S113
    with pytest.raises(WeChatUnavailable):
        await is_fine(client_of(http, answer_within_seconds=0.01), "o1")


async def test_chinese_is_sent_as_it_is() -> None:
    script = saying(0, result={"suggest": "pass", "label": 100}, trace_id="t")
    await script.client().check_text("网格员 \ud800", open_id="o1", scene=Scene.FORUM)
    assert "网格员 ?".encode() in script.asked[0].content


async def test_neither_secret_nor_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = saying(0, result={"suggest": "pass", "label": 100}, trace_id="t")
    assert await is_fine(script.client(), "o1")
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text


async def test_neither_secret_nor_token_is_in_an_exception() -> None:
    script = saying(48001, f"api unauthorized for {TOKEN} of {SECRET}")
    with pytest.raises(WeChatMisconfigured, match="api unauthorized for … of …"):
        await is_fine(script.client(), "o1")
