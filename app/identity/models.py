"""Persons, how they prove who they are, and their sessions. Global: a person has no community."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


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
