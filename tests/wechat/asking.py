"""Clients for WeChat: of its double, and of a WeChat that does what no double would."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from app.wechat.client import WeChatClient

APP_ID = "wx1111111111111111"
OTHER_APP_ID = "wx2222222222222222"
SECRET = "not-to-be-seen"
TOKEN = "80_token-of-the-script"

Answer = Callable[[httpx.Request], httpx.Response]


class Script:
    """A WeChat that gives a token and answers all else as told; keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []
        self.tokens_given = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/stable_token":
            self.tokens_given += 1
            return httpx.Response(200, json={"access_token": TOKEN, "expires_in": 7200})
        self.asked.append(request)
        return self.answer(request)

    def client(self) -> WeChatClient:
        return client_of(httpx.AsyncClient(transport=httpx.MockTransport(self)))

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.asked]


def client_of(http: httpx.AsyncClient, **options: Any) -> WeChatClient:
    return WeChatClient(http, APP_ID, SECRET, "https://api.weixin.qq.com", **options)


def saying(errcode: int, errmsg: str = "", **more: Any) -> Script:
    body = {"errcode": errcode, "errmsg": errmsg, **more}
    return Script(lambda _: httpx.Response(200, json=body))
