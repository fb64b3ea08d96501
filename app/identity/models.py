"""Persons, how they prove who they are, their sessions, and what they consented to.

Persons and sessions are global: a person has no community. Consents are given to one.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Purpose(StrEnum):
    """The purposes that code asks about; a community's policy may name others besides."""

    SERVICE = "service"
    LOCATION = "location"
    PHONE = "phone"
    MESSAGES = "messages"


class Person(Model):
    """A human being, whatever communities they belong to."""

    __tablename__ = "persons"

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]


class Identity(Model):
    """A subject at a provider that is this person; the union id joins one platform's apps."""

    __tablename__ = "identities"

    provider: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.person_id"))
    union_id: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("provider IN ('wechat', 'local')", name="provider_known"),
        Index(None, "person_id"),
        Index(None, "provider", "union_id"),
    )


class LoginSession(Model):
    """A signed-in device; ends for good when revoked. Bound to at most one community."""

    __tablename__ = "login_sessions"

    session_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.person_id"))
    community_id: Mapped[int | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "person_id"),)


class RefreshToken(Model):
    """A refresh token, known only by its SHA-256; `replaced_at` marks it used."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_sessions.session_id"))
    expires_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "session_id"), Index(None, "expires_at"))


class PrivacyPolicy(Model):
    """What a community tells people about their data; followed by another, never rewritten.

    `purposes` is a list of {code, name, description, is_required, keeps}: a required one is
    what the service cannot do without, the others may be refused without any loss elsewhere.
    """

    __tablename__ = "privacy_policies"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    purposes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    published_at: Mapped[datetime]
    published_by: Mapped[int | None]

    __table_args__ = (CheckConstraint("version >= 1", name="version_positive"),)


class Consent(Model):
    """A person agreed to a purpose as a version states it; withdrawn, it is kept as proof."""

    __tablename__ = "consents"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    consent_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    purpose: Mapped[str]
    version: Mapped[int]
    app_id: Mapped[str | None]
    granted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("withdrawn_at >= granted_at", name="withdrawn_after_granted"),
        ForeignKeyConstraint(
            ["community_id", "version"],
            ["privacy_policies.community_id", "privacy_policies.version"],
        ),
        Index(
            "uq_consents_standing",
            "community_id",
            "person_id",
            "purpose",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )
