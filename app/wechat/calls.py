"""One call to WeChat's server API: over HTTP, within a time, with an access token if needed.

WeChat answers HTTP 200 to everything, JSON under any content type, and an `errcode` if it
refuses. Source: developers.weixin.qq.com/miniprogram/dev/OpenApiDoc
"""

import json
import logging
import time
from asyncio import Lock, timeout
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from app.wechat.errors import WeChatMisconfigured, WeChatUnavailable

PAUSE_SECONDS = 5
MINUTE_QUOTA_PAUSE_SECONDS = 60
DAY_QUOTA_PAUSE_SECONDS = 3600

SYSTEM_BUSY = -1
# What passes by itself, and how long it takes.
PAUSES = {
    SYSTEM_BUSY: PAUSE_SECONDS,
    44991: MINUTE_QUOTA_PAUSE_SECONDS,
    45009: DAY_QUOTA_PAUSE_SECONDS,
    45011: MINUTE_QUOTA_PAUSE_SECONDS,
}
# Invalid or not the latest, invalid, expired.
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
# WeChat has the next token ready 5 minutes before the present one ends.
RENEWED_BEFORE_SECONDS = 300

# At INFO httpx writes whole addresses, and WeChat wants our secret and tokens in the address.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Answer(BaseModel):
    """What every answer may say; `errcode` is 0 or absent if all is well."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    errcode: int = 0
    errmsg: str = ""


class _TokenAnswer(Answer):
    access_token: str = ""
    expires_in: int = 0


SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


def fault(answer: Answer) -> WeChatUnavailable | WeChatMisconfigured:
    """Return what an answer means that says nothing about the person or the thing asked for."""
    if answer.errcode in PAUSES:
        return WeChatUnavailable(retry_after_seconds=PAUSES[answer.errcode])
    if answer.errcode == 0:
        # It says that all is well, and lacks what was asked for.
        return WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS)
    return WeChatMisconfigured(answer.errcode, answer.errmsg)


class Calls:
    """The way to WeChat for one mini-program, over an HTTP client that the caller owns.

    `answer_within_seconds` bounds a whole call: its token and its second try included. `seconds`
    tells how much time has passed since any fixed moment.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        app_id: str,
        app_secret: str,
        base_url: str,
        *,
        answer_within_seconds: float,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_id = app_id
        self._http = http
        self._app_secret = app_secret
        self._base_url = base_url.rstrip("/")
        self._answer_within_seconds = answer_within_seconds
        self._seconds = seconds
        self._token = ""
        self._token_good_until = 0.0
        self._fetching = Lock()

    async def sign_in(self, code: str, kind: type[SomeAnswer]) -> SomeAnswer:
        """Ask who a code of wx.login belongs to; a second time, at once, if WeChat is busy.

        Never a second time after a time-out: the code may be used up by then.
        """
        query = {
            "appid": self.app_id,
            "secret": self._app_secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            async with timeout(self._answer_within_seconds):
                answer = await self._send("GET", "/sns/jscode2session", kind, query=query)
                if answer.errcode == SYSTEM_BUSY:
                    answer = await self._send("GET", "/sns/jscode2session", kind, query=query)
        except (httpx.HTTPError, TimeoutError) as error:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS) from error
        return answer

    async def ask(self, path: str, body: Mapping[str, Any], kind: type[SomeAnswer]) -> SomeAnswer:
        """Return WeChat's answer to a POST, whatever its errcode.

        A refused token is replaced once and the call sent again. WeChatUnavailable if there is no
        answer or none that makes sense; WeChatMisconfigured if WeChat gives us no token.
        """
        try:
            async with timeout(self._answer_within_seconds):
                answer, token = await self._ask_with_token(path, body, kind)
                if answer.errcode in TOKEN_REFUSED:
                    self._forget(token)
                    answer, _ = await self._ask_with_token(path, body, kind)
                if answer.errcode in TOKEN_REFUSED:
                    raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS)
        except (httpx.HTTPError, TimeoutError) as error:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS) from error
        return answer

    async def _ask_with_token(
        self, path: str, body: Mapping[str, Any], kind: type[SomeAnswer]
    ) -> tuple[SomeAnswer, str]:
        token = await self._access_token()
        answer = await self._send("POST", path, kind, query={"access_token": token}, body=body)
        return answer, token

    async def _access_token(self) -> str:
        # Whoever waits here finds the token that the first one fetched.
        async with self._fetching:
            if self._seconds() >= self._token_good_until:
                await self._fetch_token()
            return self._token

    async def _fetch_token(self) -> None:
        # Never force_refresh: it ends the token that other processes still use.
        answer = await self._send(
            "POST",
            "/cgi-bin/stable_token",
            _TokenAnswer,
            body={
                "grant_type": "client_credential",
                "appid": self.app_id,
                "secret": self._app_secret,
            },
        )
        # 40001 means the secret here, not the token, and is a fault like any other.
        if answer.errcode != 0 or not answer.access_token:
            raise fault(answer)
        self._token = answer.access_token
        self._token_good_until = self._seconds() + answer.expires_in - RENEWED_BEFORE_SECONDS

    def _forget(self, token: str) -> None:
        # Another call may have replaced it by now, and that one is good.
        if token == self._token:
            self._token_good_until = 0.0

    async def _send(
        self,
        method: str,
        path: str,
        kind: type[SomeAnswer],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> SomeAnswer:
        response = await self._http.request(
            method,
            f"{self._base_url}{path}",
            params=query,
            content=None if body is None else _encode(body),
            headers=None if body is None else {"Content-Type": "application/json"},
            follow_redirects=False,
        )
        if response.status_code != HTTPStatus.OK:
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS)
        try:
            # The content type is not looked at: WeChat sends JSON under any.
            answer = kind.model_validate_json(response.content)
        except ValidationError:
            # Without its cause, which holds the answer and so a key, a token or a number.
            raise WeChatUnavailable(retry_after_seconds=PAUSE_SECONDS) from None
        answer.errmsg = self._without_secrets(answer.errmsg)
        return answer

    def _without_secrets(self, errmsg: str) -> str:
        """Return the message as it may be logged: WeChat likes to repeat what it was sent."""
        for secret in (self._app_secret, self._token):
            if secret:
                errmsg = errmsg.replace(secret, "…")
        return errmsg


def _encode(body: Mapping[str, Any]) -> bytes:
    """Return JSON with Chinese as it is: WeChat counts the characters of an escape."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
