"""How WeChat's double answers: errcodes with HTTP 200, JSON as text/plain."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Response

ERRORS = {
    -1: "system error",
    -1008: "download media failed",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40013: "invalid appid",
    40029: "invalid code",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40129: "invalid scene",
    40163: "code been used",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43101: "user refuse to accept the msg",
    43104: "appid not match",
    43107: "the message ability is banned",
    43108: "concurrent sending to the same user",
    44002: "empty post data",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, mini-program code is limited",
    45168: "hit sensitive word",
    47001: "data format error",
    47003: "argument invalid!",
    61010: "code is expired",
    87020: "repeated request",
}


class Refusal(Exception):
    """An answer with an errcode; WeChat sends it with HTTP 200."""

    def __init__(self, errcode: int, more: str = "") -> None:
        super().__init__(f"{ERRORS[errcode]} {more}".strip())
        self.errcode = errcode

    def as_answer(self) -> dict[str, Any]:
        rid = f"{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        return {"errcode": self.errcode, "errmsg": f"{self}, rid: {rid}"}


def as_sent_by_wechat(answer: Mapping[str, Any]) -> Response:
    """Return JSON under the content type that WeChat really sends."""
    return Response(json.dumps(answer, ensure_ascii=False), media_type="text/plain")


def digest(text: str) -> str:
    """Return 43 characters as they appear in WeChat's ids."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
