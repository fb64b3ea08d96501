"""What becomes of a push: stored once at once, acted on by a job.

WeChat waits for the answer and repeats a push that it believes lost, so the answer says no more
than that the push is ours now. A push is personal data (openids, phone revocations), so it is
sealed; what is no event, such as a letter to the mini-program's staff, is not kept at all.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import WeChatPushSecrets
from app.core.jobs import enqueue
from app.core.personal import Field, Vault
from app.wechat import push, queries
from app.wechat.errors import PushForged
from app.wechat.events import Unknown, events_of
from app.wechat.models import WeChatPush

LONGEST_NAME = 100
# WeChat repeats a push within seconds. Much shorter than pushes are kept, by which we tell a
# repetition, and long enough for a clock of ours that is days off.
BELIEVED_FOR = timedelta(days=7)
PAYLOAD = Field("wechat_pushes.payload", 0, 0)

_seconds = re.compile(r"[0-9]{1,11}", re.ASCII)

Secrets = Mapping[str, WeChatPushSecrets]
logger = structlog.get_logger()


class Handler(Protocol):
    """Acts on an event, in the transaction that marks the push as handled."""

    async def __call__(self, session: AsyncSession, event: Any, /, *, now: datetime) -> None: ...


Handlers = Mapping[type, Handler]


def answer_handshake(query: Mapping[str, str], secrets: Secrets) -> str:
    """Return what WeChat wants to hear when our address is entered in its console.

    PushForged unless one of our apps' tokens signed it.
    """
    for secret in secrets.values():
        with suppress(PushForged):
            return push.answer_handshake(query, token=secret.token.get_secret_value())
    raise PushForged


def read_push(
    body: bytes, query: Mapping[str, str], secrets: Secrets
) -> tuple[str, dict[str, Any]]:
    """Return (app id, payload) of a push; PushForged unless it is for one of our apps.

    The address names no app, so each one's secrets are tried; every app has a token of its own.
    """
    for app_id, secret in secrets.items():
        aes_key = None if secret.aes_key is None else secret.aes_key.get_secret_value()
        with suppress(PushForged):
            payload = push.parse_push(
                body,
                query,
                token=secret.token.get_secret_value(),
                aes_key=aes_key,
                app_id=app_id,
            )
            # Read in the plain mode, an encrypted push would pass for one that says nothing.
            if "Encrypt" not in payload:
                return app_id, payload
    raise PushForged


async def receive_push(
    session: AsyncSession, vault: Vault, app_id: str, payload: Mapping[str, Any], *, now: datetime
) -> None:
    """Store an event and ask for it to be handled; one that came before changes nothing.

    One that is too old is dropped: it may have come before, and we have forgotten it since.
    """
    event = _printable(payload.get("Event"))
    if event is None:
        return
    if _is_stale(payload, now):
        logger.warning("old push dropped", event_name=event, app_id=app_id)
        return
    # In ASCII: a payload may hold what UTF-8 cannot carry.
    plain = json.dumps(payload, sort_keys=True)
    received = WeChatPush(
        push_key=push_key(app_id, plain),
        app_id=app_id,
        event=event,
        trace_id=_printable(payload.get("trace_id")),
        sealed_payload=vault.seal(plain, PAYLOAD),
        received_at=now,
    )
    if await queries.add_push(session, received):
        key = received.push_key
        await enqueue(session, "handle_wechat_push", key=f"wechat_push:{key.hex()}", payload=key)


def _is_stale(payload: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether an event happened too long ago to be news, by the time in its sealed body."""
    created = payload.get("CreateTime")
    text = str(created) if isinstance(created, (str, int)) else ""
    if _seconds.fullmatch(text) is None:
        return False
    return int(text) < (now - BELIEVED_FOR).timestamp()


def push_key(app_id: str, plain: str) -> bytes:
    """Return what tells one event from another: all that it says.

    A repeated push says the same. Sender, time and name would not do: in one second WeChat may
    tell us, in its own name, of two people who took their consent back.
    """
    return hashlib.sha256(f"{app_id}|{plain}".encode()).digest()


async def handle_push(
    session: AsyncSession, vault: Vault, key: bytes, *, handlers: Handlers, now: datetime
) -> None:
    """Act on a stored push and mark it as handled; again changes nothing.

    `handlers` are by class of event. Raises SealBroken if the master key was changed.
    """
    received = await queries.lock_waiting_push(session, key)
    if received is None:
        return
    payload = json.loads(vault.open(received.sealed_payload, PAYLOAD))
    for event in events_of(payload):
        handler = handlers.get(type(event))
        if handler is not None:
            await handler(session, event, now=now)
        else:
            name = event.name if isinstance(event, Unknown) else type(event).__name__
            logger.info("push passed over", event_name=name, app_id=received.app_id)
    received.handled_at = now
    await session.flush()


def _printable(value: object) -> str | None:
    """Return a name as a column may hold it, or None if there is none."""
    text = value if isinstance(value, str) else ""
    return "".join(filter(str.isprintable, text))[:LONGEST_NAME] or None
