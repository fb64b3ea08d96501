"""A double of WeChat's server API, as far as we use it, behaving as documented.

In tests, give `WeChatDouble(...).app` to httpx.ASGITransport. To have it on this machine:

    uvicorn --factory tests.doubles.wechat:create_local --port 8099

A code says what is to happen:

    ok-<name>[.<any>]    signs <name> in, once; then 40163 (been used)
    busy-<name>[.<any>]  -1 (system busy) the first time, then like ok-<name>
    risk-<name>          40226 (blocked)
    busy                 -1, always
    limit                45011 (quota of the minute used up)
    anything else        40029 (invalid), so also `expired`

A code of `issue_code` was issued by the clock and turns 40029 after 5 minutes; one that is
just written down counts as fresh. The same name has another openid in each app and, where the
double has an Open Platform account, the same unionid in all of them.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, Response

CODE_LIFETIME = timedelta(minutes=5)

LOCAL_APP_ID = "wx0123456789abcdef"
LOCAL_APP_SECRET = "secret-of-the-local-double"

ERRORS = {
    -1: "system error",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    45011: "api minute-quota reach limit, mini-program code is limited",
}

SCRIPTED = {"busy": -1, "limit": 45011}


class Refusal(Exception):
    """An answer with an errcode; WeChat sends it with HTTP 200."""

    def __init__(self, errcode: int) -> None:
        super().__init__(ERRORS[errcode])
        self.errcode = errcode


class WeChatDouble:
    """WeChat for the apps given as `{app id: secret}`.

    `asked_codes` keeps every code that came in, in order.
    """

    def __init__(
        self,
        apps: Mapping[str, str],
        *,
        clock: Callable[[], datetime],
        open_platform: str | None = None,
    ) -> None:
        self.apps = dict(apps)
        self.clock = clock
        self.open_platform = open_platform
        self.asked_codes: list[str] = []
        self._issued_at: dict[str, datetime] = {}
        self._used: set[tuple[str, str]] = set()
        self._was_busy: set[tuple[str, str]] = set()
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/sns/jscode2session", self._answer_sign_in, methods=["GET"])

    def issue_code(self, name: str) -> str:
        """Return what wx.login would give the person now."""
        code = f"ok-{name}.{len(self._issued_at) + 1}"
        self._issued_at[code] = self.clock()
        return code

    def open_id(self, app_id: str, name: str) -> str:
        """Return the 28 characters by which an app knows the person."""
        return f"o{digest(f'{app_id}:{name}')[:27]}"

    def union_id(self, name: str) -> str | None:
        """Return the 28 characters by which all apps of one owner know the person."""
        if self.open_platform is None:
            return None
        return f"oU{digest(f'{self.open_platform}:{name}')[:26]}"

    async def _answer_sign_in(
        self, appid: str = "", secret: str = "", js_code: str = "", grant_type: str = ""
    ) -> Response:
        self.asked_codes.append(js_code)
        try:
            self._check_app(appid, secret, grant_type)
            name = self._redeem(appid, js_code)
        except Refusal as refusal:
            return as_sent_by_wechat(
                {
                    "errcode": refusal.errcode,
                    "errmsg": f"{refusal}, rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}",
                }
            )
        answer = {
            "session_key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "openid": self.open_id(appid, name),
        }
        union_id = self.union_id(name)
        if union_id is not None:
            answer["unionid"] = union_id
        return as_sent_by_wechat(answer)

    def _check_app(self, app_id: str, secret: str, grant_type: str) -> None:
        if not app_id:
            raise Refusal(41002)
        if not secret:
            raise Refusal(41004)
        if grant_type != "authorization_code":
            raise Refusal(40002)
        if app_id not in self.apps:
            raise Refusal(40013)
        if secret != self.apps[app_id]:
            raise Refusal(40125)

    def _redeem(self, app_id: str, code: str) -> str:
        """Use up the code and return the name it signs in."""
        if not code:
            raise Refusal(41008)
        if code in SCRIPTED:
            raise Refusal(SCRIPTED[code])
        kind, _, rest = code.partition("-")
        name = rest.partition(".")[0]
        if not name or kind not in {"ok", "busy", "risk"} or self._is_too_old(code):
            raise Refusal(40029)
        if kind == "risk":
            raise Refusal(40226)
        if kind == "busy" and (app_id, code) not in self._was_busy:
            self._was_busy.add((app_id, code))
            raise Refusal(-1)
        if (app_id, code) in self._used:
            raise Refusal(40163)
        self._used.add((app_id, code))
        return name

    def _is_too_old(self, code: str) -> bool:
        now = self.clock()
        return now - self._issued_at.get(code, now) >= CODE_LIFETIME


def as_sent_by_wechat(answer: Mapping[str, str | int]) -> Response:
    """Return JSON under the content type that WeChat really sends."""
    return Response(json.dumps(answer, ensure_ascii=False), media_type="text/plain")


def digest(text: str) -> str:
    """Return 43 characters as they appear in WeChat's ids."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def create_local() -> FastAPI:
    """Return the double by itself, for uvicorn."""
    double = WeChatDouble({LOCAL_APP_ID: LOCAL_APP_SECRET}, clock=lambda: datetime.now(UTC))
    return double.app
