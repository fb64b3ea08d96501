"""Tables that belong to no room."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class IdempotencyKey(Model):
    """One write that was asked for once: who, what, with which body, and the stored answer.

    `community_id` is 0 for a caller who belongs to no community yet.
    """

    __tablename__ = "idempotency_keys"

    community_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    caller_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    operation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[Any | None] = mapped_column(JSON)
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("char_length(key) <= 255", name="key_length"),
        Index(None, "community_id", "created_at"),
    )


class RateLimit(Model):
    """The theoretical arrival time of a GCRA limiter, in microseconds since 1970 (global)."""

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(primary_key=True)
    arrival_us: Mapped[int]


class SigningKey(Model):
    """An Ed25519 key pair for codes, sessions or seals; the private half is sealed (global).

    Numbered within its purpose; a code has one byte for the number. A key signs from
    `active_from` until a younger one is active, and verifies until `revoked_at`.
    """

    __tablename__ = "signing_keys"

    purpose: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_private_key: Mapped[bytes] = mapped_column(LargeBinary)
    active_from: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("key_id >= 1", name="key_id_positive"),
        CheckConstraint("purpose <> 'codes' OR key_id <= 255", name="key_id_of_codes_is_a_byte"),
        CheckConstraint("purpose IN ('codes', 'sessions', 'seals')", name="purpose_known"),
    )


class RevokedCode(Model):
    """A signed code that is refused from now on, named by all that its payload says."""

    __tablename__ = "revoked_codes"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(primary_key=True)
    revoked_by: Mapped[int]
    revoked_at: Mapped[datetime]
