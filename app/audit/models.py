"""What the audit has gone through, so that one broken off goes on where it was."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class AuditState(StrEnum):
    """How an audit stands: `running` may also mean broken off."""

    RUNNING = "running"
    CLEAN = "clean"
    DIFFERENT = "different"


class Audit(Model):
    """One pass over a community's books, which ends at the first difference.

    `walk` and `position` say where it is, `checked` how many rows it has been through;
    `difference` has the check's name, the row, what is stored and what should be.
    """

    __tablename__ = "audits"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    audit_id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    walk: Mapped[str | None]
    position: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    checked: Mapped[int] = mapped_column(server_default="0")
    difference: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('running', 'clean', 'different')", name="state_known"),
        CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_unless_running"),
        CheckConstraint(
            "(state = 'different') = (difference IS NOT NULL)", name="different_names_difference"
        ),
        Index(
            "uq_audits_running",
            "community_id",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
    )
