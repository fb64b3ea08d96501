"""Subscription messages: one message for each time a person accepted its template.

Source: developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from app.wechat.calls import PAUSES, Answer, Calls, fault
from app.wechat.errors import WeChatUnavailable

MiniProgramState = Literal["formal", "trial", "developer"]

NOT_SUBSCRIBED = 43101
OVERLAPPING = 43108
PASSING = frozenset({OVERLAPPING, *PAUSES})
# Person, template, page, capability, wording, fields: the same message will be refused again.
FOR_GOOD = frozenset({40003, 40037, 41030, 43107, 45168, 47003})


class SendState(StrEnum):
    SENT = "sent"
    NOT_SUBSCRIBED = "not_subscribed"  # as common as SENT: nothing is wrong
    REFUSED = "refused"  # for good
    BUSY = "busy"  # try again later


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of a message; `message_id` comes back in the event about its arrival.

    `message_id` is None unless WeChat gave one; `errcode` is 0 if there was no answer.
    """

    state: SendState
    message_id: str | None = None
    errcode: int = 0


class _SendAnswer(Answer):
    msgid: int | str | None = None


async def send(
    calls: Calls,
    open_id: str,
    template_id: str,
    fields: Mapping[str, str],
    *,
    page: str | None,
    state: MiniProgramState,
) -> SendOutcome:
    """Send one message. See WeChatClient.send_subscribe_message."""
    body: dict[str, Any] = {
        "touser": open_id,
        "template_id": template_id,
        "miniprogram_state": state,
        "lang": "zh_CN",
        "data": {name: {"value": value} for name, value in fields.items()},
    }
    if page is not None:
        # WeChat's own paths begin with a slash in code and without one here.
        body["page"] = page.removeprefix("/")
    try:
        answer = await calls.ask("/cgi-bin/message/subscribe/send", body, _SendAnswer)
    except WeChatUnavailable:
        return SendOutcome(SendState.BUSY)
    return _outcome_in(answer)


def _outcome_in(answer: _SendAnswer) -> SendOutcome:
    errcode = answer.errcode
    if errcode == 0:
        message_id = None if answer.msgid is None else str(answer.msgid)
        return SendOutcome(SendState.SENT, message_id=message_id)
    if errcode == NOT_SUBSCRIBED:
        return SendOutcome(SendState.NOT_SUBSCRIBED, errcode=errcode)
    if errcode in FOR_GOOD:
        return SendOutcome(SendState.REFUSED, errcode=errcode)
    if errcode in PASSING:
        return SendOutcome(SendState.BUSY, errcode=errcode)
    raise fault(answer)
