"""Sending through WeChat: what is taken to be sent, and what becomes of it.

A message is leased before it is sent and its outcome written afterwards, in transactions of
their own, since nothing may ask WeChat inside one. A person has at most one message under lease:
WeChat refuses overlapping ones (43108).

A message is never lost and is sent at least once while the person accepts it. It goes out twice
only if a worker dies, or hears nothing from WeChat, between sending and writing that down.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import WeChatTemplate
from app.core.database import Record
from app.notifications import queries
from app.notifications.models import MessageState
from app.notifications.templates import Templates
from app.wechat.message_fields import format_fields
from app.wechat.messages import SendOutcome, SendState

AT_ONCE = 8
# Longer than any call to WeChat takes; a message is tried again when it has lapsed.
LEASE = timedelta(minutes=1)
MAX_ATTEMPTS = 5
# What is waited after the first, second… attempt that WeChat was too busy for.
PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message under our lease, ready to be sent; `attempt` counts from 1.

    `left_count` is how many the person accepted, as far as we knew.
    """

    community_id: int
    message_id: int
    person_id: int
    attempt: int
    app_id: str
    open_id: str
    template_id: str
    page: str | None
    fields: dict[str, str]
    left_count: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was leased, and what of it can be sent; nothing was due if `size` is 0."""

    size: int
    outgoing: list[OutgoingMessage]


class _Unsendable(Exception):
    """A message ends here without WeChat being asked."""

    def __init__(self, state: MessageState, why: str) -> None:
        super().__init__(why)
        self.state = state


async def take_batch(
    session: AsyncSession, templates: Templates, *, app_ids: Collection[str], now: datetime
) -> Batch:
    """Lease what is due, one message each for a few people, and end what cannot be sent.

    `app_ids` are the mini-programs that we can send for.
    """
    person_ids = await queries.lock_due_persons(session, now=now, size=AT_ONCE)
    if not person_ids:
        return Batch(0, [])
    leased = await queries.lease_messages(session, person_ids, now=now, until=now + LEASE)
    addresses = await queries.list_addresses(session, person_ids)
    outgoing: list[OutgoingMessage] = []
    ended: list[dict[str, Any]] = []
    for message in leased:
        of_person = [row for row in addresses if row.person_id == message.person_id]
        try:
            outgoing.append(_address(message, of_person, templates, app_ids))
        except _Unsendable as unsendable:
            logger.debug("message not sent", kind=message.kind, why=str(unsendable))
            ended.append(_closing_of(message, unsendable.state))
    await queries.close_leases(session, ended)
    await queries.settle_templates(session, [_settled(message) for message in outgoing])
    return Batch(len(leased), outgoing)


async def record_outcomes(
    session: AsyncSession,
    outcomes: Iterable[tuple[OutgoingMessage, SendOutcome]],
    *,
    now: datetime,
) -> None:
    """Write down what WeChat answered, and take what was sent from the quotas."""
    outcomes = list(outcomes)
    closed = [_closing(message, outcome, now) for message, outcome in outcomes]
    await queries.close_leases(session, closed)
    counted = (SendState.SENT, SendState.NOT_SUBSCRIBED)
    taken = [
        {
            "person_id": message.person_id,
            "app_id": message.app_id,
            "template_id": message.template_id,
            # What was accepted since is not part of what WeChat said no to.
            "gone": 1 if outcome.state is SendState.SENT else message.left_count,
        }
        for message, outcome in outcomes
        if outcome.state in counted
    ]
    await queries.take_from_quotas(session, taken, now=now)


def _address(
    message: Record, addresses: Sequence[Record], templates: Templates, app_ids: Collection[str]
) -> OutgoingMessage:
    """Settle where a message goes and what it says, or raise _Unsendable."""
    if message.attempts > MAX_ATTEMPTS:
        raise _Unsendable(MessageState.REFUSED, "tried too often")
    if not addresses:
        raise _Unsendable(MessageState.REFUSED, "the person is not at WeChat")
    accepted = {(row.app_id, row.template_id): row for row in addresses if row.left_count}
    for app_id, template in templates.of_kind(message.kind):
        address = accepted.get((app_id, template.template_id))
        if address is not None and app_id in app_ids:
            return OutgoingMessage(
                community_id=message.community_id,
                message_id=message.wechat_message_id,
                person_id=message.person_id,
                attempt=message.attempts,
                app_id=app_id,
                open_id=address.open_id,
                template_id=template.template_id,
                page=_page(template, message.fields),
                fields=_fields(template, message.fields),
                left_count=address.left_count,
            )
    raise _Unsendable(MessageState.NOT_SUBSCRIBED, "the person does not accept this template")


def _fields(template: WeChatTemplate, texts: dict[str, str]) -> dict[str, str]:
    try:
        return format_fields({name: texts.get(ours, "") for name, ours in template.fields.items()})
    except ValueError as unfit:
        # The template and the notice do not fit: the operator has to look at the settings.
        logger.warning("message has no form", template_id=template.template_id, why=str(unfit))
        raise _Unsendable(MessageState.REFUSED, str(unfit)) from unfit


def _page(template: WeChatTemplate, texts: dict[str, str]) -> str | None:
    """Return the page that a tap opens; `{subject_id}` in it is what the message is about."""
    if template.page is None:
        return None
    return template.page.replace("{subject_id}", texts.get("subject_id", ""))


def _settled(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "community_id": message.community_id,
        "message_id": message.message_id,
        "app_id": message.app_id,
        "template_id": message.template_id,
    }


def _closing_of(message: Record, state: MessageState) -> dict[str, Any]:
    return {
        "community_id": message.community_id,
        "message_id": message.wechat_message_id,
        "attempt": message.attempts,
        "state": state,
    }


def _closing(message: OutgoingMessage, outcome: SendOutcome, now: datetime) -> dict[str, Any]:
    state = _state_after(outcome, message.attempt)
    pause = PAUSES[message.attempt - 1] if state is MessageState.WAITING else None
    return {
        "community_id": message.community_id,
        "message_id": message.message_id,
        "attempt": message.attempt,
        "state": state,
        "errcode": outcome.errcode or None,
        "leased_until": None if pause is None else (now + pause).isoformat(),
        "sent_at": now.isoformat() if state is MessageState.SENT else None,
    }


def _state_after(outcome: SendOutcome, attempt: int) -> MessageState:
    match outcome.state:
        case SendState.SENT:
            return MessageState.SENT
        case SendState.NOT_SUBSCRIBED:
            return MessageState.NOT_SUBSCRIBED
        case SendState.BUSY if attempt < MAX_ATTEMPTS:
            return MessageState.WAITING
        case _:
            return MessageState.REFUSED
