"""The inbox, and messages that go out through WeChat."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class MessageState(StrEnum):
    """Where a WeChat message stands; `not_subscribed` is a normal end."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    NOT_SUBSCRIBED = "not_subscribed"
    REFUSED = "refused"


class InboxMessage(Model):
    """Something a person should know; the subject says what it is about, e.g. a case."""

    __tablename__ = "inbox_messages"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    inbox_message_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    subject_kind: Mapped[str | None]
    subject_id: Mapped[int | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_inbox_messages_person", "community_id", "person_id", "inbox_message_id"),
    )


class MessageQuota(Model):
    """How many messages of a template a person still accepts (global, as WeChat counts)."""

    __tablename__ = "message_quotas"

    person_id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    left_count: Mapped[int] = mapped_column(server_default="0")
    updated_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("left_count >= 0", name="left_not_negative"),)


class WeChatMessage(Model):
    """A subscription message on its way; one at a time per person, as WeChat wants it.

    `fields` are our own names for what it says; app and template are settled when it is sent.
    """

    __tablename__ = "wechat_messages"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    wechat_message_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    kind: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    app_id: Mapped[str | None]
    template_id: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    leased_until: Mapped[datetime | None]
    errcode: Mapped[int | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'not_subscribed', 'refused')",
            name="state_known",
        ),
        Index(
            "ix_wechat_messages_open",
            "community_id",
            "person_id",
            "wechat_message_id",
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
    )
