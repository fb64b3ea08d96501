"""Content checks: what WeChat thinks of texts and pictures."""

import httpx
import pytest

from app.wechat.client import WeChatClient
from app.wechat.content import ContentVerdict, Scene, Suggest
from app.wechat.errors import (
    OpenIdNotRecent,
    PhotoAskedBefore,
    WeChatMisconfigured,
    WeChatUnavailable,
)
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock
from tests.wechat.asking import OTHER_APP_ID, SECRET, saying

PHOTO = "https://points.example.cn/photos/1?key=k"


async def check(wechat: WeChatClient, text: str, open_id: str) -> ContentVerdict:
    return await wechat.check_text(text, open_id=open_id, scene=Scene.FORUM)


@pytest.mark.parametrize(
    ("text", "suggest", "label"),
    [
        ("路灯坏了", Suggest.PASS, 100),
        ("疑似广告", Suggest.REVIEW, 21000),
        ("违规内容", Suggest.RISKY, 20006),
    ],
)
async def test_a_text_gets_a_verdict(
    wechat: WeChatClient, anna: str, text: str, suggest: Suggest, label: int
) -> None:
    verdict = await check(wechat, text, anna)
    assert (verdict.suggest, verdict.label, verdict.reason) == (suggest, label, None)
    assert verdict.trace_id is not None
    assert verdict.trace_id.startswith("text-")


@pytest.mark.parametrize("length", [2500, 2501, 4950, 4951, 9000])
async def test_a_long_text_is_checked_whole(
    wechat: WeChatClient, double: WeChatDouble, anna: str, length: int
) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(length))
    assert (await check(wechat, text, anna)).suggest == Suggest.PASS
    pieces = double.content.checked_texts
    assert all(len(piece) <= 2500 for piece in pieces)
    assert pieces[0] + "".join(piece[50:] for piece in pieces[1:]) == text


@pytest.mark.parametrize("place", [0, 2449, 2499, 2500, 4950, 7998])
async def test_the_worst_piece_decides_wherever_it_is(
    wechat: WeChatClient, anna: str, place: int
) -> None:
    calm = "疑似" + "好" * 7998
    risky = calm[:place] + "违规" + calm[place + 2 :]
    assert (await check(wechat, calm, anna)).suggest == Suggest.REVIEW
    assert (await check(wechat, risky, anna)).suggest == Suggest.RISKY


async def test_nothing_is_asked_after_the_worst(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    await check(wechat, "违规" + "好" * 8000, anna)
    assert len(double.content.checked_texts) == 1


async def test_who_was_not_here_for_two_hours_is_for_a_person_to_judge(
    wechat: WeChatClient, clock: Clock, anna: str
) -> None:
    clock.advance(hours=2)
    assert (await check(wechat, "好", anna)).suggest == Suggest.PASS
    clock.advance(seconds=1)
    assert await check(wechat, "好", anna) == ContentVerdict(
        Suggest.REVIEW, None, None, reason="open_id_not_recent"
    )


async def test_an_empty_text_is_for_a_person_to_judge(wechat: WeChatClient, anna: str) -> None:
    assert await check(wechat, "", anna) == ContentVerdict(
        Suggest.REVIEW, None, None, reason="empty"
    )


async def test_a_blank_piece_hides_nothing_after_it(wechat: WeChatClient, anna: str) -> None:
    assert (await check(wechat, " " * 2500 + "违规", anna)).suggest == Suggest.RISKY


async def test_the_openid_of_another_app_is_for_a_person_to_judge(
    wechat: WeChatClient, to_wechat: httpx.AsyncClient
) -> None:
    other = WeChatClient(to_wechat, OTHER_APP_ID, SECRET, "http://wechat")
    session = await other.code_to_session("ok-anna.9")
    assert (await check(wechat, "好", session.open_id)).reason == "open_id_of_another_app"
    assert (await check(wechat, "好", "o-nobody")).reason == "open_id_unknown"


async def test_a_suggestion_we_do_not_know_is_for_a_person_to_judge() -> None:
    script = saying(0, result={"suggest": "perhaps", "label": 5}, trace_id="t")
    assert await check(script.client(), "好", "o1") == ContentVerdict(Suggest.REVIEW, 5, "t")


@pytest.mark.parametrize("errcode", [-1, 44991, 45009])
async def test_a_limit_gives_no_verdict(errcode: int) -> None:
    with pytest.raises(WeChatUnavailable):
        await check(saying(errcode).client(), "好", "o1")


async def test_a_wrong_request_is_our_fault() -> None:
    with pytest.raises(WeChatMisconfigured, match="40129"):
        await check(saying(40129).client(), "好", "o1")


async def test_the_request_for_a_text_is_the_documented_one() -> None:
    script = saying(0, result={"suggest": "pass", "label": 100}, trace_id="t")
    await check(script.client(), "好", "o1")
    assert script.asked[0].url.path == "/wxa/msg_sec_check"
    assert script.bodies() == [{"openid": "o1", "scene": 3, "version": 2, "content": "好"}]


async def test_a_photo_is_taken_in_for_later(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    trace_id = await wechat.ask_about_photo(PHOTO, open_id=anna, scene=Scene.FORUM)
    assert [waiting.trace_id for waiting in double.content.waiting] == [trace_id]


async def test_a_photo_is_asked_about_once(wechat: WeChatClient, anna: str) -> None:
    await wechat.ask_about_photo(PHOTO, open_id=anna, scene=Scene.FORUM)
    with pytest.raises(PhotoAskedBefore):
        await wechat.ask_about_photo(PHOTO, open_id=anna, scene=Scene.FORUM)


async def test_the_photo_of_who_was_not_here_for_two_hours_is_not_checked(
    wechat: WeChatClient, double: WeChatDouble, clock: Clock, anna: str
) -> None:
    clock.advance(hours=2, seconds=1)
    with pytest.raises(OpenIdNotRecent):
        await wechat.ask_about_photo(PHOTO, open_id=anna, scene=Scene.FORUM)
    assert double.content.waiting == []


@pytest.mark.parametrize(
    ("errcode", "error"),
    [(-1, WeChatUnavailable), (0, WeChatUnavailable), (40004, WeChatMisconfigured)],
)
async def test_a_photo_that_was_not_taken_in_has_no_trace_id(
    errcode: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await saying(errcode).client().ask_about_photo(PHOTO, open_id="o1", scene=Scene.FORUM)


async def test_the_request_for_a_photo_is_the_documented_one() -> None:
    script = saying(0, trace_id="t")
    await script.client().ask_about_photo(PHOTO, open_id="o1", scene=Scene.DIARY)
    assert script.asked[0].url.path == "/wxa/media_check_async"
    assert script.bodies() == [
        {"media_url": PHOTO, "media_type": 2, "version": 2, "scene": 4, "openid": "o1"}
    ]
