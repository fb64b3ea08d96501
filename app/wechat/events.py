"""What WeChat's pushes mean, in one form whatever form they came in.

A list with one entry comes as the entry itself, and numbers come as text.
Source: developers.weixin.qq.com/miniprogram/dev/framework/open-ability/subscribe-message.html and
/miniprogram/dev/server/event_push/platform/authorized_user_information_changes
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.wechat.content import Suggest, suggest_of

Payload = Mapping[str, Any]
_number = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SubscriptionAnswer:
    """A person answered the popup: one more message of this template, or none."""

    open_id: str
    template_id: str
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """A person changed their mind in WeChat's settings."""

    open_id: str
    template_id: str
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class MessageArrival:
    """What became of a message sent; `errcode` is 0 if it arrived."""

    open_id: str
    template_id: str
    message_id: str
    errcode: int

    @property
    def is_delivered(self) -> bool:
        return self.errcode == 0


@dataclass(frozen=True, slots=True)
class MediaVerdict:
    """WeChat's opinion on a picture; without one, `suggest` is REVIEW and `label` None.

    `errcode` is -1008 if WeChat could not fetch the picture.
    """

    trace_id: str
    suggest: Suggest
    label: int | None
    errcode: int

    @property
    def is_failed(self) -> bool:
        return self.errcode != 0


@dataclass(frozen=True, slots=True)
class Revocation:
    """A person took consent back (or left WeChat), or WeChat cleaned up their profile.

    `kinds` are WeChat's numbers for what is concerned: 6 name and picture, 8 phone number, 13
    location, 14 chosen pictures. All that came from WeChat is concerned if `is_cancellation`.
    """

    open_id: str
    app_id: str
    kinds: tuple[int, ...]
    is_cancellation: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event that we do nothing about, or that lacks what we would need."""

    name: str


Event = (
    SubscriptionAnswer | SubscriptionChange | MessageArrival | MediaVerdict | Revocation | Unknown
)


def events_of(payload: Payload) -> list[Event]:
    """Return what a push says, one event for each entry of its list; never fails."""
    name = _text(payload.get("Event"))
    read = _READERS.get(name)
    events = [] if read is None else read(payload)
    return events or [Unknown(name)]


def _popup_answers(payload: Payload) -> list[Event]:
    open_id = _text(payload.get("FromUserName"))
    return [
        SubscriptionAnswer(open_id, template_id, is_accepted=_is_accepted(entry))
        for template_id, entry in _entries(payload, "SubscribeMsgPopupEvent")
    ]


def _changes(payload: Payload) -> list[Event]:
    open_id = _text(payload.get("FromUserName"))
    return [
        SubscriptionChange(open_id, template_id, is_accepted=_is_accepted(entry))
        for template_id, entry in _entries(payload, "SubscribeMsgChangeEvent")
    ]


def _arrivals(payload: Payload) -> list[Event]:
    open_id = _text(payload.get("FromUserName"))
    return [
        MessageArrival(
            open_id, template_id, _text(entry.get("MsgID")), _number_in(entry.get("ErrorCode"), -1)
        )
        for template_id, entry in _entries(payload, "SubscribeMsgSentEvent")
    ]


def _media_verdict(payload: Payload) -> list[Event]:
    trace_id = _text(payload.get("trace_id"))
    result = payload.get("result")
    found = result if isinstance(result, dict) else {}
    errcode = _number_in(payload.get("errcode"), 0)
    if not trace_id:
        return []
    if errcode != 0:
        return [MediaVerdict(trace_id, Suggest.REVIEW, None, errcode)]
    label = _number_in(found.get("label"), 0) or None
    return [MediaVerdict(trace_id, suggest_of(_text(found.get("suggest"))), label, 0)]


def _revocation(payload: Payload) -> list[Event]:
    open_id = _text(payload.get("OpenID"))
    if not open_id:
        return []
    listed = payload.get("RevokeInfo")
    kinds = listed if isinstance(listed, list) else [listed]
    numbers = _number.findall(" ".join(_text(kind) for kind in kinds))
    return [
        Revocation(
            open_id,
            _text(payload.get("AppID")),
            tuple(int(number) for number in numbers),
            is_cancellation=payload.get("Event") == "user_authorization_cancellation",
        )
    ]


_READERS: dict[str, Callable[[Payload], list[Event]]] = {
    "subscribe_msg_popup_event": _popup_answers,
    "subscribe_msg_change_event": _changes,
    "subscribe_msg_sent_event": _arrivals,
    "wxa_media_check": _media_verdict,
    "user_authorization_revoke": _revocation,
    "user_authorization_cancellation": _revocation,
    "user_info_modified": _revocation,
}


def _entries(payload: Payload, wrapper: str) -> list[tuple[str, Payload]]:
    """Return (template id, entry) of the list, which may be wrapped as it is in XML."""
    wrapped = payload.get(wrapper, payload)
    listed = wrapped.get("List", wrapped) if isinstance(wrapped, dict) else wrapped
    entries = listed if isinstance(listed, list) else [listed]
    found = [
        (_text(entry.get("TemplateId")), entry) for entry in entries if isinstance(entry, dict)
    ]
    return [(template_id, entry) for template_id, entry in found if template_id]


def _is_accepted(entry: Payload) -> bool:
    return _text(entry.get("SubscribeStatusString")) == "accept"


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, (str, int)) else ""


def _number_in(value: object, otherwise: int) -> int:
    text = _text(value)
    return int(text) if _number.fullmatch(text) else otherwise
