"""Repair tasks."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class RepairState(StrEnum):
    """Where a repair task stands; told not to be done, it is offered again until it lapses."""

    OFFERED = "offered"
    REPORTED = "reported"
    DONE = "done"
    LAPSED = "lapsed"


class RepairTask(Model):
    """What a resident can do until `due_at` to get points of a deduction back.

    `contribution_id` is the deduction. `refusal` is why the last report was not accepted.
    """

    __tablename__ = "repair_tasks"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    repair_task_id: Mapped[int] = mapped_column(primary_key=True)
    contribution_id: Mapped[int]
    resident_id: Mapped[int]
    task: Mapped[str]
    points: Mapped[int]
    due_at: Mapped[datetime]
    state: Mapped[str]
    report: Mapped[str | None]
    reported_by: Mapped[int | None]
    reported_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    refusal: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state IN ('offered', 'reported', 'done', 'lapsed')", name="state_known"),
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("decided_by <> reported_by", name="checker_is_another"),
        CheckConstraint(
            "state <> 'done' OR (reported_at IS NOT NULL AND decided_at IS NOT NULL)",
            name="done_was_checked",
        ),
        Index("uq_repair_tasks_deduction", "community_id", "contribution_id", unique=True),
        Index("ix_repair_tasks_state", "community_id", "state", "repair_task_id"),
        Index("ix_repair_tasks_resident", "community_id", "resident_id", "repair_task_id"),
    )
