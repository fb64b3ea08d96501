"""The client for WeChat's server API.

Source: developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session
"""

import asyncio
import logging
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from app.wechat.errors import (
    WeChatAccountBlocked,
    WeChatCodeInvalid,
    WeChatMisconfigured,
    WeChatUnavailable,
)

LONGEST_CODE = 512
PAUSE_SECONDS = 5
MINUTE_QUOTA_PAUSE_SECONDS = 60

_SYSTEM_BUSY = -1

# At INFO httpx writes whole addresses, and WeChat wants our secret in the address.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class WeChatSession:
    """Who signed in: `open_id` within one mini-program, `union_id` across one owner's apps.

    `union_id` is None unless the app is bound to an Open Platform account.
    """

    open_id: str
    union_id: str | None


class _SignInAnswer(BaseModel):
    # session_key is left out on purpose: we decrypt nothing with it, so we do not take it in.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    errcode: int = 0
    errmsg: str = ""
    openid: str = ""
    unionid: str = ""


class WeChatClient:
    """Talks to WeChat for one mini-program, over an HTTP client that the caller owns.

    `answer_within_seconds` bounds a whole call, its second try included.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        app_id: str,
        app_secret: str,
        base_url: str,
        *,
        answer_within_seconds: float = 5,
    ) -> None:
        self._http = http
        self._app_id = app_id
        self._app_secret = app_secret
        self._base_url = base_url.rstrip("/")
        self._answer_within_seconds = answer_within_seconds

    async def code_to_session(self, code: str) -> WeChatSession:
        """Exchange a code of wx.login, which works once and for 5 minutes.

        WeChatCodeInvalid, WeChatAccountBlocked or WeChatUnavailable say why not;
        WeChatMisconfigured says that the fault is ours. Asks a second time, at once, if WeChat
        says it is busy, and never after a time-out: the code may be used up by then.
        """
        if not (0 < len(code) <= LONGEST_CODE and code.isascii()):
            raise WeChatCodeInvalid
        try:
            async with asyncio.timeout(self._answer_within_seconds):
                answer = await self._ask_for_session(code)
                if answer.errcode == _SYSTEM_BUSY:
                    answer = await self._ask_for_session(code)
        except (httpx.HTTPError, TimeoutError) as error:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS) from error
        return _session_in(answer)

    async def _ask_for_session(self, code: str) -> _SignInAnswer:
        response = await self._http.get(
            f"{self._base_url}/sns/jscode2session",
            params={
                "appid": self._app_id,
                "secret": self._app_secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
            follow_redirects=False,
        )
        if response.status_code != HTTPStatus.OK:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS)
        try:
            # The content type is not looked at: WeChat sends JSON as text/plain.
            return _SignInAnswer.model_validate_json(response.content)
        except ValidationError:
            # Without its cause, which holds the answer and so the session key.
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS) from None


def _session_in(answer: _SignInAnswer) -> WeChatSession:
    match answer.errcode:
        case 0 if answer.openid:
            return WeChatSession(open_id=answer.openid, union_id=answer.unionid or None)
        case 40029 | 40163 | 41008:  # invalid, been used, missing
            raise WeChatCodeInvalid
        case 40226:
            raise WeChatAccountBlocked
        case 45011:
            raise WeChatUnavailable(retry_after_seconds=MINUTE_QUOTA_PAUSE_SECONDS)
        case 0 | -1:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS)
        case _:
            raise WeChatMisconfigured(answer.errcode, answer.errmsg)
