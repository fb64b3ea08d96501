"""Subscription messages: sent, not wanted, refused for good, or to be tried again."""

import asyncio

import httpx
import pytest

from app.wechat.client import WeChatClient
from app.wechat.errors import WeChatMisconfigured
from app.wechat.messages import SendOutcome, SendState
from tests.doubles.wechat import WeChatDouble
from tests.wechat.asking import APP_ID, Script, saying

TEMPLATE = "template-of-a-voucher"
FIELDS = {"thing1": "您的兑换券已可使用", "date2": "2026-11-21 09:42"}


async def send(
    wechat: WeChatClient,
    open_id: str,
    *,
    template_id: str = TEMPLATE,
    page: str | None = "pages/voucher?id=1",
    thing: str = "您的兑换券已可使用",
) -> SendOutcome:
    return await wechat.send_subscribe_message(
        open_id, template_id, FIELDS | {"thing1": thing}, page=page
    )


async def test_a_message_that_was_asked_for_arrives(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    double.accept("anna", TEMPLATE)
    outcome = await send(wechat, anna)
    [arrived] = double.sent
    assert outcome == SendOutcome(SendState.SENT, message_id=str(arrived.message_id))
    assert arrived.open_id == double.open_id(APP_ID, "anna")
    assert arrived.page == "pages/voucher?id=1"
    assert arrived.fields == FIELDS


async def test_a_message_nobody_asked_for_is_no_error(wechat: WeChatClient, anna: str) -> None:
    assert await send(wechat, anna) == SendOutcome(SendState.NOT_SUBSCRIBED, errcode=43101)


async def test_one_acceptance_is_one_message(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    double.accept("anna", TEMPLATE)
    double.accept("anna", TEMPLATE)
    states = [(await send(wechat, anna)).state for _ in range(3)]
    assert states == [SendState.SENT, SendState.SENT, SendState.NOT_SUBSCRIBED]


async def test_an_acceptance_is_of_one_template(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    double.accept("anna", "another")
    assert (await send(wechat, anna)).state == SendState.NOT_SUBSCRIBED


async def test_messages_to_one_person_may_not_overlap(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    double.accept("anna", TEMPLATE)
    double.messages.gate.clear()
    first = asyncio.create_task(send(wechat, anna))
    await double.messages.is_sending.wait()
    assert await send(wechat, anna) == SendOutcome(SendState.BUSY, errcode=43108)
    double.messages.gate.set()
    assert (await first).state == SendState.SENT


async def test_somebody_unknown_is_refused(wechat: WeChatClient) -> None:
    assert await send(wechat, "o-nobody") == SendOutcome(SendState.REFUSED, errcode=40003)


@pytest.mark.parametrize(
    ("template_id", "page", "thing", "errcode"),
    [
        ("unknown", None, "好", 40037),
        ("banned", None, "好", 43107),
        (TEMPLATE, "pages/unknown", "好", 41030),
        (TEMPLATE, None, "", 47003),
        (TEMPLATE, None, "二十一个字符长的文字二十一个字符长的文字长", 47003),
        (TEMPLATE, None, "两\n行", 47003),
        (TEMPLATE, None, "敏感", 45168),
    ],
)
async def test_what_will_never_be_sent_is_refused_for_good(
    wechat: WeChatClient,
    double: WeChatDouble,
    anna: str,
    template_id: str,
    page: str | None,
    thing: str,
    errcode: int,
) -> None:
    double.accept("anna", template_id)
    outcome = await send(wechat, anna, template_id=template_id, page=page, thing=thing)
    assert outcome == SendOutcome(SendState.REFUSED, errcode=errcode)
    assert double.sent == []


@pytest.mark.parametrize("errcode", [43108, -1, 45009, 45011, 44991])
async def test_what_passes_is_to_be_tried_again(errcode: int) -> None:
    outcome = await send(saying(errcode).client(), "o1")
    assert outcome == SendOutcome(SendState.BUSY, errcode=errcode)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout])
async def test_a_broken_line_is_to_be_tried_again(error: type[httpx.TransportError]) -> None:
    def break_off(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    assert await send(Script(break_off).client(), "o1") == SendOutcome(SendState.BUSY)


async def test_an_errcode_nobody_told_us_of_is_our_fault() -> None:
    with pytest.raises(WeChatMisconfigured, match="48001"):
        await send(saying(48001).client(), "o1")


async def test_the_request_is_the_documented_one() -> None:
    script = saying(0)
    outcome = await script.client().send_subscribe_message(
        "o1", TEMPLATE, {"thing1": "好"}, page="/pages/x?id=1", state="trial"
    )
    assert outcome == SendOutcome(SendState.SENT)
    assert script.asked[0].url.path == "/cgi-bin/message/subscribe/send"
    assert script.bodies() == [
        {
            "touser": "o1",
            "template_id": TEMPLATE,
            "page": "pages/x?id=1",
            "miniprogram_state": "trial",
            "lang": "zh_CN",
            "data": {"thing1": {"value": "好"}},
        }
    ]


async def test_a_message_without_a_page_names_none() -> None:
    script = saying(0, msgid=7)
    assert (await send(script.client(), "o1", page=None)).message_id == "7"
    assert "page" not in script.bodies()[0]
    assert script.bodies()[0]["miniprogram_state"] == "formal"
