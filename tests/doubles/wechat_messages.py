"""Subscription messages of WeChat's double, with the ledger of who accepted what.

A template says what is to happen: one that begins with `unknown` does not exist, one that begins
with `banned` may not be sent; a page with `unknown` in it does not exist.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.doubles.wechat_answers import Refusal
from tests.doubles.wechat_fields import is_valid_field

SENSITIVE = "敏感"
STATES = {"formal", "trial", "developer"}


@dataclass(frozen=True)
class SentMessage:
    app_id: str
    open_id: str
    template_id: str
    page: str | None
    fields: dict[str, str]
    message_id: int


class Messages:
    """What was sent, and what may be: one message for each time a template was accepted.

    A message takes until `gate` is set, which it is from the start; `is_sending` is set as soon
    as one has come in.
    """

    def __init__(self) -> None:
        self.sent: list[SentMessage] = []
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_sending = asyncio.Event()
        self._under_way: set[str] = set()

    async def send(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request to send; the person is known to exist."""
        open_id = body["touser"]
        if open_id in self._under_way:
            raise Refusal(43108)
        self._under_way.add(open_id)
        self.is_sending.set()
        try:
            await self.gate.wait()
            return self._deliver(app_id, body)
        finally:
            self._under_way.discard(open_id)

    def _deliver(self, app_id: str, body: dict[str, Any]) -> dict[str, Any]:
        template_id, page = body.get("template_id"), body.get("page")
        check_template(template_id)
        if page is not None and (page.startswith("/") or "unknown" in page):
            raise Refusal(41030)
        fields = fields_in(body)
        key = (body["touser"], str(template_id))
        if not self.accepted[key]:
            raise Refusal(43101)
        self.accepted[key] -= 1
        message_id = 1_000_000_000_000 + len(self.sent)
        self.sent.append(SentMessage(app_id, *key, page, fields, message_id))
        return {"errcode": 0, "errmsg": "ok", "msgid": message_id}


def check_template(template_id: object) -> None:
    if not isinstance(template_id, str) or not template_id or template_id.startswith("unknown"):
        raise Refusal(40037)
    if template_id.startswith("banned"):
        raise Refusal(43107)


def fields_in(body: dict[str, Any]) -> dict[str, str]:
    if body.get("miniprogram_state") not in STATES or body.get("lang") != "zh_CN":
        raise Refusal(47003)
    given = body.get("data")
    if not isinstance(given, dict) or not given:
        raise Refusal(47003, "data is empty")
    fields: dict[str, str] = {}
    for name, field in given.items():
        value = field.get("value") if isinstance(field, dict) else None
        if not is_valid_field(name, value):
            raise Refusal(47003, f"data.{name}.value invalid")
        if SENSITIVE in str(value):
            raise Refusal(45168)
        fields[name] = str(value)
    return fields
