"""The double calls us as WeChat does: it fetches pictures and pushes what it thinks of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app.wechat.client import WeChatClient
from app.wechat.content import Scene, Suggest
from app.wechat.events import Event, MediaVerdict, Unknown, events_of
from app.wechat.push import answer_handshake, parse_push
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_push import PushTarget
from tests.support.clock import Clock
from tests.wechat.asking import APP_ID, OTHER_APP_ID, SECRET, TOKEN

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PICTURE = b"\x89PNG\r\n\x1a\n of a lamp"


@dataclass
class OurService:
    """A service with a picture and an address for pushes, as ours is seen from WeChat."""

    aes_key: str | None = AES_KEY
    picture: bytes = PICTURE
    events: list[Event] = field(default_factory=list)
    fetched: int = 0

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/push/{app_id}", self.take_push, methods=["POST"])
        app.add_api_route("/push/{app_id}", self.shake_hands, methods=["GET"])
        app.add_api_route("/photos/{name}", self.show_photo)
        return app

    async def take_push(self, app_id: str, request: Request) -> Response:
        pushed = parse_push(
            await request.body(),
            request.query_params,
            token=TOKEN,
            aes_key=self.aes_key,
            app_id=app_id,
        )
        self.events += events_of(pushed)
        return Response("success")

    async def shake_hands(self, app_id: str, request: Request) -> Response:
        assert app_id == APP_ID
        return Response(answer_handshake(request.query_params, token=TOKEN))

    async def show_photo(self, name: str) -> Response:
        self.fetched += 1
        return Response(self.picture, status_code=200 if name == "lamp.png" else 403)


@pytest.fixture
def ours() -> OurService:
    return OurService()


@pytest.fixture
async def double(ours: OurService, clock: Clock) -> AsyncIterator[WeChatDouble]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ours.app())) as outside:
        yield WeChatDouble(
            {APP_ID: SECRET, OTHER_APP_ID: SECRET},
            clock=clock,
            outside=outside,
            push=PushTarget("http://ours/push/{app_id}", TOKEN, AES_KEY),
        )


async def ask(wechat: WeChatClient, open_id: str, name: str = "lamp.png") -> str:
    return await wechat.ask_about_photo(
        f"http://ours/photos/{name}", open_id=open_id, scene=Scene.FORUM
    )


@pytest.mark.parametrize(
    ("suggest", "label"),
    [(Suggest.PASS, 100), (Suggest.REVIEW, 21000), (Suggest.RISKY, 20006)],
)
async def test_a_picture_is_fetched_and_its_verdict_pushed(
    wechat: WeChatClient,
    double: WeChatDouble,
    ours: OurService,
    anna: str,
    suggest: Suggest,
    label: int,
) -> None:
    trace_id = await ask(wechat, anna)
    assert ours.fetched == 0
    [answer] = await double.push_verdicts(suggest)
    assert answer.text == "success"
    assert ours.fetched == 1
    assert ours.events == [MediaVerdict(trace_id, suggest, label, 0)]


async def test_a_verdict_is_pushed_once(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    await ask(wechat, anna)
    assert len(await double.push_verdicts()) == 1
    assert await double.push_verdicts() == []


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("secret.png", PICTURE),
        ("lamp.png", b"<html>sign in</html>"),
        ("lamp.png", PICTURE + b"\0" * 10 * 1024 * 1024),
    ],
    ids=["refused", "no picture", "too large"],
)
async def test_a_picture_that_cannot_be_fetched_gets_no_verdict(
    wechat: WeChatClient,
    double: WeChatDouble,
    ours: OurService,
    anna: str,
    name: str,
    picture: bytes,
) -> None:
    ours.picture = picture
    trace_id = await ask(wechat, anna, name)
    await double.push_verdicts()
    assert ours.events == [MediaVerdict(trace_id, Suggest.REVIEW, None, -1008)]


async def test_any_event_can_be_pushed(double: WeChatDouble, ours: OurService) -> None:
    answer = await double.push_event({"Event": "debug_demo"}, app_id=OTHER_APP_ID)
    assert answer.text == "success"
    assert ours.events == [Unknown("debug_demo")]


async def test_a_push_without_a_key_is_plain(double: WeChatDouble, ours: OurService) -> None:
    double.push_target = PushTarget("http://ours/push/{app_id}", TOKEN)
    ours.aes_key = None
    await double.push_event({"Event": "debug_demo"})
    assert ours.events == [Unknown("debug_demo")]


async def test_the_address_is_made_sure_of(double: WeChatDouble) -> None:
    answer = await double.shake_hands()
    assert answer.text == answer.request.url.params["echostr"]


async def test_a_double_that_cannot_reach_us_says_so(clock: Clock) -> None:
    with pytest.raises(RuntimeError, match="outside"):
        await WeChatDouble({APP_ID: SECRET}, clock=clock).push_event({"Event": "debug_demo"})


async def test_a_forced_token_ends_the_one_before(
    to_wechat: httpx.AsyncClient, clock: Clock
) -> None:
    async def token(*, force: bool) -> dict[str, object]:
        body = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        answer = await to_wechat.post(
            "http://wechat/cgi-bin/stable_token", json=body | {"force_refresh": force}
        )
        found: dict[str, object] = answer.json()
        return found

    first = await token(force=False)
    clock.advance(minutes=10)
    assert await token(force=False) == first | {"expires_in": 6600}
    forced = await token(force=True)
    assert forced["access_token"] != first["access_token"]
    assert (await token(force=True))["errcode"] == 45011
    check = await to_wechat.post(
        f"http://wechat/wxa/msg_sec_check?access_token={first['access_token']}", json={}
    )
    assert check.json()["errcode"] == 40001
