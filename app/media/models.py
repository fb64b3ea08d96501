"""Photos, and what content security says of photos and texts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class CheckKind(StrEnum):
    """What is looked at."""

    PHOTO = "photo"
    TEXT = "text"


class CheckState(StrEnum):
    """Where a check stands; only what has `passed` is shown to others.

    `waiting` to be sent, `asked` of WeChat, `review` by a human being.
    """

    WAITING = "waiting"
    ASKED = "asked"
    REVIEW = "review"
    PASSED = "passed"
    REFUSED = "refused"


class Photo(Model):
    """A photo somebody sent: what is served is re-encoded, the original sealed and short-lived.

    `upload_hash` is the SHA-256 of the file as it came: the same file sent twice is one photo.
    `perceptual_hash` is nearly equal for nearly equal pictures. `sealed_position` is where it
    was taken, by its own metadata. The keys are empty when the files are destroyed.
    """

    __tablename__ = "photos"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    upload_hash: Mapped[bytes] = mapped_column(LargeBinary)
    served_key: Mapped[str | None]
    original_key: Mapped[str | None]
    width: Mapped[int]
    height: Mapped[int]
    perceptual_hash: Mapped[int]
    taken_at: Mapped[datetime | None]
    sealed_position: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    original_until: Mapped[datetime]
    redacted_at: Mapped[datetime | None]
    redacted_by: Mapped[int | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size_positive"),
        CheckConstraint(
            "deleted_at IS NULL OR (served_key IS NULL AND original_key IS NULL)",
            name="deleted_without_files",
        ),
        Index("uq_photos_upload", "community_id", "person_id", "upload_hash", unique=True),
        Index(
            "ix_photos_original_until",
            "community_id",
            "original_until",
            postgresql_where=sql("original_key IS NOT NULL"),
        ),
        Index("ix_photos_created_at", "community_id", "created_at"),
    )


class ContentCheck(Model):
    """What was found out about a photo or a text; it carries the number of what it checks.

    `text` holds the text until it is decided. `reason` is for the person who sent it.
    """

    __tablename__ = "content_checks"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    content_check_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    text: Mapped[str | None]
    person_id: Mapped[int]
    state: Mapped[str]
    trace_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    asked_at: Mapped[datetime | None]
    label: Mapped[int | None]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind IN ('photo', 'text')", name="kind_known"),
        CheckConstraint(
            "state IN ('waiting', 'asked', 'review', 'passed', 'refused')", name="state_known"
        ),
        CheckConstraint(
            "(state IN ('passed', 'refused')) = (decided_at IS NOT NULL)", name="decided_with_time"
        ),
        CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name="not_own_content"),
        Index(
            "ix_content_checks_open",
            "community_id",
            "state",
            "content_check_id",
            postgresql_where=sql("state IN ('waiting', 'asked', 'review')"),
        ),
    )


class CheckTrace(Model):
    """Which check WeChat's trace id belongs to (global: the event names no community)."""

    __tablename__ = "check_traces"

    trace_id: Mapped[str] = mapped_column(primary_key=True)
    community_id: Mapped[int]
    content_check_id: Mapped[int]
    created_at: Mapped[datetime]
