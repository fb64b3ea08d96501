"""Phone numbers, as the getPhoneNumber button gives them."""

from typing import Any

import pytest

from app.wechat.client import WeChatClient
from app.wechat.errors import WeChatCodeInvalid, WeChatMisconfigured, WeChatUnavailable
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock
from tests.wechat.asking import APP_ID, OTHER_APP_ID, TOKEN, saying

NUMBER = "13800000000"


def phone(**changes: Any) -> dict[str, Any]:
    """Return what WeChat says of a number."""
    return {
        "phoneNumber": NUMBER,
        "purePhoneNumber": NUMBER,
        "countryCode": "86",
        "watermark": {"timestamp": 1637744274, "appid": APP_ID},
        **changes,
    }


async def test_a_code_tells_the_number(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    code = double.issue_phone_code("anna", NUMBER)
    assert await wechat.phone_number(code, open_id=anna) == "+8613800000000"


async def test_a_code_works_once(wechat: WeChatClient, anna: str) -> None:
    await wechat.phone_number(f"phone-anna-{NUMBER}", open_id=anna)
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number(f"phone-anna-{NUMBER}", open_id=anna)


async def test_a_code_works_for_five_minutes(
    wechat: WeChatClient, double: WeChatDouble, clock: Clock, anna: str
) -> None:
    in_time, too_late = (double.issue_phone_code("anna", NUMBER) for _ in range(2))
    clock.advance(minutes=4, seconds=59)
    await wechat.phone_number(in_time, open_id=anna)
    clock.advance(seconds=1)
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number(too_late, open_id=anna)


async def test_a_code_is_of_no_use_to_another_person(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number(double.issue_phone_code("boris", NUMBER), open_id=anna)


async def test_a_code_for_signing_in_tells_no_number(
    wechat: WeChatClient, double: WeChatDouble, anna: str
) -> None:
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number(double.issue_code("anna"), open_id=anna)


@pytest.mark.parametrize("code", ["", "a" * 513, "微信", "\ud800"])
async def test_what_cannot_be_a_code_is_not_sent(
    wechat: WeChatClient, double: WeChatDouble, code: str
) -> None:
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number(code, open_id="o1")
    assert double.bodies == []


async def test_the_request_is_the_documented_one() -> None:
    script = saying(0, phone_info=phone())
    await script.client().phone_number("code", open_id="o1")
    assert str(script.asked[0].url) == (
        f"https://api.weixin.qq.com/wxa/business/getuserphonenumber?access_token={TOKEN}"
    )
    assert script.bodies() == [{"code": "code", "openid": "o1"}]


async def test_a_foreign_number_keeps_its_country() -> None:
    abroad = phone(phoneNumber="+85291234567", purePhoneNumber="91234567", countryCode="852")
    wechat = saying(0, phone_info=abroad).client()
    assert await wechat.phone_number("code", open_id="o1") == "+85291234567"


async def test_a_number_of_another_app_is_refused() -> None:
    wechat = saying(0, phone_info=phone(watermark={"appid": OTHER_APP_ID})).client()
    with pytest.raises(WeChatCodeInvalid):
        await wechat.phone_number("code", open_id="o1")


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (40029, WeChatCodeInvalid),
        (40013, WeChatCodeInvalid),
        (-1, WeChatUnavailable),
        (45011, WeChatUnavailable),
        (48001, WeChatMisconfigured),
    ],
)
async def test_an_errcode_means_one_thing(errcode: int, error: type[Exception]) -> None:
    script = saying(errcode)
    with pytest.raises(error):
        await script.client().phone_number("code", open_id="o1")
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {},
        phone(purePhoneNumber=""),
        phone(purePhoneNumber="138****0000"),
        phone(countryCode=""),
        phone(countryCode="0"),
        phone(purePhoneNumber=13800000000),
    ],
)
async def test_a_number_that_is_none_is_not_believed(broken: dict[str, Any]) -> None:
    with pytest.raises(WeChatUnavailable):
        await saying(0, phone_info=broken).client().phone_number("code", open_id="o1")
