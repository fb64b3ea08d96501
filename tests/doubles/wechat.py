"""A double of WeChat's server API, as far as we use it, behaving as documented.

In tests, give `WeChatDouble(...).app` to httpx.ASGITransport. To have it on this machine:

    uvicorn --factory tests.doubles.wechat:create_local --port 8099

A code of wx.login says what is to happen:

    ok-<name>[.<any>]    signs <name> in, once; then 40163 (been used)
    busy-<name>[.<any>]  -1 (system busy) the first time, then like ok-<name>
    risk-<name>          40226 (blocked)
    busy                 -1, always
    limit                45011 (quota of the minute used up)
    anything else        40029 (invalid), so also `expired`

A code of the phone button does as well:

    phone-<name>-<number>[.<any>]  the number of <name>, once; then 40029

A code of `issue_code` or `issue_phone_code` was issued by the clock and turns 40029 after 5
minutes; one that is just written down counts as fresh. The same name has another openid in each
app and, where the double has an Open Platform account, the same unionid in all of them.

Texts, templates and pages say what is to happen, too: see wechat_content and wechat_messages. A
picture is fetched, and its verdict pushed to us, when `push_verdicts` is called.
"""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from tests.doubles.wechat_answers import Refusal, as_sent_by_wechat, digest
from tests.doubles.wechat_content import ContentChecks, verdict_on
from tests.doubles.wechat_messages import Messages, SentMessage
from tests.doubles.wechat_push import Pusher, PushTarget
from tests.doubles.wechat_tokens import Tokens

CODE_LIFETIME = timedelta(minutes=5)
RECENT = timedelta(hours=2)

LOCAL_APP_ID = "wx0123456789abcdef"
LOCAL_APP_SECRET = "secret-of-the-local-double"

SCRIPTED = {"busy": -1, "limit": 45011}

Handler = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class WeChatDouble:
    """WeChat for the apps given as `{app id: secret}`.

    `outside` is how WeChat reaches us, for pictures and pushes; `push` is where it pushes.
    `asked_codes` keeps every code that came in, `bodies` every body of a POST, in order.
    """

    def __init__(
        self,
        apps: Mapping[str, str],
        *,
        clock: Callable[[], datetime],
        open_platform: str | None = None,
        outside: httpx.AsyncClient | None = None,
        push: PushTarget | None = None,
    ) -> None:
        self.apps = dict(apps)
        self.clock = clock
        self.open_platform = open_platform
        self.outside = outside
        self.push_target = push
        self.asked_codes: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.tokens = Tokens(clock)
        self.messages = Messages()
        self.content = ContentChecks()
        self._issued_at: dict[str, datetime] = {}
        self._used: set[tuple[str, str]] = set()
        self._was_busy: set[tuple[str, str]] = set()
        self._seen_at: dict[tuple[str, str], datetime] = {}
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/sns/jscode2session", self._answer_sign_in, methods=["GET"])
        self.app.add_api_route("/cgi-bin/stable_token", self._answer_token, methods=["POST"])
        self._offer("/wxa/business/getuserphonenumber", self._phone_number)
        self._offer("/cgi-bin/message/subscribe/send", self._send)
        self._offer("/wxa/msg_sec_check", self._check_text)
        self._offer("/wxa/media_check_async", self._ask_about_picture)

    @property
    def sent(self) -> list[SentMessage]:
        """The messages that reached their persons, in order."""
        return self.messages.sent

    def issue_code(self, name: str) -> str:
        """Return what wx.login would give the person now."""
        return self._issue(f"ok-{name}")

    def issue_phone_code(self, name: str, number: str) -> str:
        """Return what the phone button would give the person now; `number` without +86."""
        return self._issue(f"phone-{name}-{number}")

    def accept(self, name: str, template_id: str, *, app_id: str | None = None) -> None:
        """Let the person accept one message of this template."""
        app_id = app_id or self._first_app()
        open_id = self.open_id(app_id, name)
        self.messages.accepted[open_id, template_id] += 1
        # The popup is in the mini-program, and so is who answers it.
        self._seen_at[app_id, open_id] = self.clock()

    def invalidate_token(self, app_id: str | None = None) -> None:
        """Make the token an app has got unknown (40001); a new one is given to who asks."""
        self.tokens.invalidate(app_id or self._first_app())

    async def push_event(
        self, payload: Mapping[str, Any], *, app_id: str | None = None
    ) -> httpx.Response:
        """Push any event to us, signed and encrypted, and return our answer."""
        return await self._pusher().push(app_id or self._first_app(), dict(payload))

    async def shake_hands(self, app_id: str | None = None) -> httpx.Response:
        """Make sure of our address, as on saving it in WeChat's console."""
        return await self._pusher().shake_hands(app_id or self._first_app())

    async def push_verdicts(self, suggest: str = "pass") -> list[httpx.Response]:
        """Fetch every picture that waits and push its verdict; return our answers."""
        checks, self.content.waiting = self.content.waiting, []
        pusher = self._pusher()
        answers: list[httpx.Response] = []
        for check in checks:
            verdict = await verdict_on(check, suggest=suggest, outside=pusher.outside)
            answers.append(await pusher.push(check.app_id, verdict))
        return answers

    def open_id(self, app_id: str, name: str) -> str:
        """Return the 28 characters by which an app knows the person."""
        return f"o{digest(f'{app_id}:{name}')[:27]}"

    def union_id(self, name: str) -> str | None:
        """Return the 28 characters by which all apps of one owner know the person."""
        if self.open_platform is None:
            return None
        return f"oU{digest(f'{self.open_platform}:{name}')[:26]}"

    def _first_app(self) -> str:
        return next(iter(self.apps))

    def _pusher(self) -> Pusher:
        if self.outside is None or self.push_target is None:
            msg = "give the double `outside` and `push` to have it call us"
            raise RuntimeError(msg)
        return Pusher(self.outside, self.push_target, self.clock)

    def _issue(self, start: str) -> str:
        code = f"{start}.{len(self._issued_at) + 1}"
        self._issued_at[code] = self.clock()
        return code

    def _offer(self, path: str, handler: Handler) -> None:
        """Serve a POST that needs an access token."""

        async def answer(request: Request, access_token: str = "") -> Response:
            try:
                app_id = self.tokens.app_id_of(access_token)
                body = await self._body_of(request)
                return as_sent_by_wechat(await handler(app_id, body))
            except Refusal as refusal:
                return as_sent_by_wechat(refusal.as_answer())

        self.app.add_api_route(path, answer, methods=["POST"])

    async def _body_of(self, request: Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise Refusal(47001) from None
        if not isinstance(body, dict):
            raise Refusal(47001)
        self.bodies.append(body)
        return body

    async def _answer_token(self, request: Request) -> Response:
        try:
            body = await self._body_of(request)
            app_id, secret = body.get("appid", ""), body.get("secret", "")
            self._check_app(app_id, secret)
            check_grant(body.get("grant_type"), "client_credential")
            is_forced = body.get("force_refresh", False) is True
            return as_sent_by_wechat(self.tokens.give(app_id, is_forced=is_forced))
        except Refusal as refusal:
            return as_sent_by_wechat(refusal.as_answer())

    async def _phone_number(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        code = str(body.get("code", ""))
        kind, _, rest = code.partition("-")
        name, _, number = rest.partition(".")[0].rpartition("-")
        if kind != "phone" or not name or (app_id, code) in self._used or self._is_too_old(code):
            raise Refusal(40029)
        if body.get("openid") not in {None, self.open_id(app_id, name)}:
            raise Refusal(40029)
        self._used.add((app_id, code))
        timestamp = int(self.clock().timestamp())
        phone = {
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": "86",
            "watermark": {"timestamp": timestamp, "appid": app_id},
        }
        return {"errcode": 0, "errmsg": "ok", "phone_info": phone}

    async def _send(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        if (app_id, str(body.get("touser"))) not in self._seen_at:
            raise Refusal(40003)
        return await self.messages.send(app_id, body)

    async def _check_text(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check_recent(app_id, str(body.get("openid")))
        return self.content.check_text(body)

    async def _ask_about_picture(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check_recent(app_id, str(body.get("openid")))
        return self.content.ask_about_picture(app_id, body)

    def _check_recent(self, app_id: str, open_id: str) -> None:
        """Refuse unless the person was in the mini-program within 2 hours."""
        if (app_id, open_id) not in self._seen_at:
            is_known = any(seen == open_id for _, seen in self._seen_at)
            raise Refusal(43104 if is_known else 40003)
        if self.clock() - self._seen_at[app_id, open_id] > RECENT:
            raise Refusal(61010)

    async def _answer_sign_in(
        self, appid: str = "", secret: str = "", js_code: str = "", grant_type: str = ""
    ) -> Response:
        self.asked_codes.append(js_code)
        try:
            self._check_app(appid, secret)
            check_grant(grant_type, "authorization_code")
            name = self._redeem(appid, js_code)
        except Refusal as refusal:
            return as_sent_by_wechat(refusal.as_answer())
        self._seen_at[appid, self.open_id(appid, name)] = self.clock()
        answer = {
            "session_key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "openid": self.open_id(appid, name),
        }
        union_id = self.union_id(name)
        if union_id is not None:
            answer["unionid"] = union_id
        return as_sent_by_wechat(answer)

    def _check_app(self, app_id: str, secret: str) -> None:
        if not app_id:
            raise Refusal(41002)
        if not secret:
            raise Refusal(41004)
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


def check_grant(given: object, right: str) -> None:
    if given != right:
        raise Refusal(40002)


def create_local() -> FastAPI:
    """Return the double by itself, for uvicorn."""
    double = WeChatDouble({LOCAL_APP_ID: LOCAL_APP_SECRET}, clock=lambda: datetime.now(UTC))
    return double.app
