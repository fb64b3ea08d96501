"""The client for WeChat's server API: what a mini-program's back end may ask."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, ConfigDict

from app.wechat import content, messages
from app.wechat.calls import Answer, Calls, fault
from app.wechat.content import ContentVerdict, Scene
from app.wechat.errors import WeChatAccountBlocked, WeChatCodeInvalid
from app.wechat.messages import MiniProgramState, SendOutcome

LONGEST_CODE = 512
_country = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_subscriber = re.compile(r"[0-9]{4,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WeChatSession:
    """Who signed in: `open_id` within one mini-program, `union_id` across one owner's apps.

    `union_id` is None unless the app is bound to an Open Platform account.
    """

    open_id: str
    union_id: str | None


class _SignInAnswer(Answer):
    # session_key is left out on purpose: we decrypt nothing with it, so we do not take it in.
    openid: str = ""
    unionid: str = ""


class _Watermark(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    appid: str = ""


class _Phone(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    # phoneNumber is left out: it has a country code for foreign numbers only.
    purePhoneNumber: str = ""  # noqa: N815 - WeChat's name
    countryCode: str = ""  # noqa: N815 - WeChat's name
    watermark: _Watermark = _Watermark()


class _PhoneAnswer(Answer):
    phone_info: _Phone = _Phone()


class WeChatClient:
    """Talks to WeChat for one mini-program, over an HTTP client that the caller owns.

    `answer_within_seconds` bounds a whole call, its token and its second try included. `seconds`
    tells how much time has passed since any fixed moment, for the age of the access token.

    Any call may raise WeChatUnavailable, which passes, and WeChatMisconfigured, which does not.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        app_id: str,
        app_secret: str,
        base_url: str,
        *,
        answer_within_seconds: float = 5,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = Calls(
            http,
            app_id,
            app_secret,
            base_url,
            answer_within_seconds=answer_within_seconds,
            seconds=seconds,
        )

    async def code_to_session(self, code: str) -> WeChatSession:
        """Exchange a code of wx.login, which works once and for 5 minutes.

        WeChatCodeInvalid and WeChatAccountBlocked say why not.
        Source: developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session
        """
        _check_form(code)
        return _session_in(await self._calls.sign_in(code, _SignInAnswer))

    async def phone_number(self, code: str, *, open_id: str) -> str:
        """Exchange a code of the getPhoneNumber button for a number like +8613800000000.

        The code works once and for 5 minutes, for `open_id` in our app only; otherwise
        WeChatCodeInvalid. Not asked a second time: each success costs money.
        """
        _check_form(code)
        answer = await self._calls.ask(
            "/wxa/business/getuserphonenumber", {"code": code, "openid": open_id}, _PhoneAnswer
        )
        return _number_in(answer, self._calls.app_id)

    async def send_subscribe_message(
        self,
        open_id: str,
        template_id: str,
        fields: Mapping[str, str],
        *,
        page: str | None,
        state: MiniProgramState = "formal",
    ) -> SendOutcome:
        """Send a message that the person asked for; `fields` as message_fields makes them.

        `page` is the page of the mini-program that a tap opens, with its query. WeChat refuses
        overlapping messages to one person with BUSY, as it does when it is busy.
        """
        return await messages.send(
            self._calls, open_id, template_id, fields, page=page, state=state
        )

    async def check_text(self, text: str, *, open_id: str, scene: Scene) -> ContentVerdict:
        """Ask whether a text by this person may be shown; REVIEW if WeChat cannot tell."""
        return await content.check_text(self._calls, text, open_id=open_id, scene=scene)

    async def ask_about_photo(self, media_url: str, *, open_id: str, scene: Scene) -> str:
        """Have a picture checked and return the trace id that the pushed verdict will carry.

        WeChat fetches `media_url` (10 MB; jpg, png, bmp or gif) and pushes within 30 minutes.
        PhotoAskedBefore if it was given this address before; OpenIdNotRecent if the person was
        not in the mini-program within 2 hours.
        """
        return await content.ask_about_photo(self._calls, media_url, open_id=open_id, scene=scene)


def _check_form(code: str) -> None:
    if not (0 < len(code) <= LONGEST_CODE and code.isascii()):
        raise WeChatCodeInvalid


def _session_in(answer: _SignInAnswer) -> WeChatSession:
    match answer.errcode:
        case 0 if answer.openid:
            return WeChatSession(open_id=answer.openid, union_id=answer.unionid or None)
        case 40029 | 40163 | 41008:  # invalid, been used, missing
            raise WeChatCodeInvalid
        case 40226:
            raise WeChatAccountBlocked
        case _:
            raise fault(answer)


def _number_in(answer: _PhoneAnswer, app_id: str) -> str:
    # 40013: our own app id is known to be good, as there is a token; so it is the code's.
    if answer.errcode in {40013, 40029, 40163}:
        raise WeChatCodeInvalid
    phone = answer.phone_info
    is_whole = _country.fullmatch(phone.countryCode) and _subscriber.fullmatch(
        phone.purePhoneNumber
    )
    if answer.errcode != 0 or not is_whole:
        raise fault(answer)
    if phone.watermark.appid != app_id:
        raise WeChatCodeInvalid
    return f"+{phone.countryCode}{phone.purePhoneNumber}"
