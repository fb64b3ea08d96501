"""Background work of notifications: messages go out through WeChat."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.notifications import sending
from app.notifications.sending import OutgoingMessage
from app.notifications.templates import Templates
from app.wechat.client import WeChatClient
from app.wechat.errors import WeChatMisconfigured
from app.wechat.messages import SendOutcome, SendState

logger = structlog.get_logger()


async def send_messages(
    sessionmaker: async_sessionmaker[AsyncSession],
    clients: Mapping[str, WeChatClient],
    templates: Templates,
    *,
    clock: Callable[[], datetime],
) -> int:
    """Send every message that is due, 8 people at a time; return how many were sent.

    Safe to repeat and to run in several workers at once. `clients` are by app id. It takes the
    clock, for it may run longer than a lease lasts.
    """
    sent = 0
    while True:
        async with sessionmaker.begin() as session:
            batch = await sending.take_batch(
                session, templates, app_ids=clients.keys(), now=clock()
            )
        if batch.size == 0:
            return sent
        outcomes = await asyncio.gather(
            *(_send(clients[message.app_id], message) for message in batch.outgoing)
        )
        async with sessionmaker.begin() as session:
            await sending.record_outcomes(
                session, zip(batch.outgoing, outcomes, strict=True), now=clock()
            )
        sent += sum(outcome.state is SendState.SENT for outcome in outcomes)


async def _send(client: WeChatClient, message: OutgoingMessage) -> SendOutcome:
    """Send one message; a fault is tried again like a busy WeChat, and never stops the others."""
    try:
        outcome = await client.send_subscribe_message(
            message.open_id, message.template_id, message.fields, page=message.page
        )
    except WeChatMisconfigured as misconfigured:
        logger.exception("WeChat refuses us", app_id=message.app_id)
        return SendOutcome(SendState.BUSY, errcode=misconfigured.errcode)
    except Exception:
        logger.exception("message not sent", message_id=message.message_id)
        return SendOutcome(SendState.BUSY)
    if outcome.state is SendState.REFUSED:
        logger.warning("message refused", errcode=outcome.errcode, app_id=message.app_id)
    elif outcome.state is not SendState.SENT:
        # Not to be subscribed any more is as common as to be.
        logger.debug("message not sent", state=outcome.state, errcode=outcome.errcode)
    return outcome
