"""Appeals."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class AppealKind(StrEnum):
    """What an appeal is against: points given, points not given, points taken."""

    AWARD = "award"
    REFUSAL = "refusal"
    DEDUCTION = "deduction"


class AppealState(StrEnum):
    """Where an appeal stands; only `open` can still be decided."""

    OPEN = "open"
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class Appeal(Model):
    """A resident's objection; `subject_id` is a contribution or, for a refusal, a claim.

    `involved` are the persons who took part in what it is against, as far as recorded, with the
    resident and who filed it: none of them decides, nor does somebody of the resident's household.
    `effects` is what was done about it, as the answer says it.
    """

    __tablename__ = "appeals"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[int]
    resident_id: Mapped[int]
    household_id: Mapped[int | None]
    text: Mapped[str]
    state: Mapped[str]
    involved: Mapped[list[int]] = mapped_column(JSONB)
    filed_by: Mapped[int]
    filed_at: Mapped[datetime]
    answer_until: Mapped[datetime]
    decided_by: Mapped[int | None]
    decider_household_id: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    effects: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        CheckConstraint("kind IN ('award', 'refusal', 'deduction')", name="kind_known"),
        CheckConstraint(
            "state IN ('open', 'upheld', 'partly_upheld', 'dismissed', 'withdrawn')",
            name="state_known",
        ),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_with_time"),
        CheckConstraint(
            "state IN ('open', 'withdrawn') OR (outcome IS NOT NULL AND decided_by IS NOT NULL)",
            name="decided_in_writing",
        ),
        CheckConstraint(
            "state IN ('open', 'withdrawn') OR NOT involved @> to_jsonb(decided_by)",
            name="decided_by_uninvolved",
        ),
        CheckConstraint("decider_household_id <> household_id", name="not_of_the_household"),
        Index(
            "uq_appeals_subject",
            "community_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=sql("state NOT IN ('withdrawn', 'dismissed')"),
        ),
        Index("ix_appeals_subject", "community_id", "subject_id", "appeal_id"),
        Index("ix_appeals_state", "community_id", "state", "appeal_id"),
        Index("ix_appeals_resident", "community_id", "resident_id", "appeal_id"),
    )
