"""Award lists and their rows."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class ListState(StrEnum):
    """Where an award list stands; only `proposed` can still be decided."""

    PROPOSED = "proposed"
    IN_NOTICE = "in_notice"
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class AwardList(Model):
    """A file of awards that somebody proposes and another one approves.

    `file_hash` is the SHA-256 of the file: the same file is not taken twice, unless it was
    refused or withdrawn.
    """

    __tablename__ = "award_lists"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    award_list_id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    file_hash: Mapped[bytes] = mapped_column(LargeBinary)
    row_count: Mapped[int]
    asked_points: Mapped[int]
    state: Mapped[str]
    proposed_by: Mapped[int]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    public_notice_id: Mapped[int | None]
    posted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('proposed', 'in_notice', 'posting', 'posted', 'refused', 'withdrawn')",
            name="state_known",
        ),
        CheckConstraint("row_count >= 1", name="not_empty"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_with_time"),
        CheckConstraint(
            "state IN ('proposed', 'withdrawn') OR decided_by <> proposed_by",
            name="checker_is_another",
        ),
        CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="posted_with_time"),
        CheckConstraint("state <> 'in_notice' OR public_notice_id IS NOT NULL", name="on_a_list"),
        Index(
            "uq_award_lists_file",
            "community_id",
            "file_hash",
            unique=True,
            postgresql_where=sql("state NOT IN ('refused', 'withdrawn')"),
        ),
        Index("ix_award_lists_state", "community_id", "state", "award_list_id"),
    )


class AwardListRow(Model):
    """One award of a list, found to be right when the list was taken.

    `refusal` says why a row gave nothing when it was posted (its resident has left, or an
    objection to it was upheld).
    """

    __tablename__ = "award_list_rows"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    award_list_id: Mapped[int] = mapped_column(primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    rule_id: Mapped[int]
    rule_version_id: Mapped[int]
    units: Mapped[int]
    effort: Mapped[str | None]
    acted_at: Mapped[datetime]
    note: Mapped[str]
    contribution_id: Mapped[int | None]
    granted_points: Mapped[int | None]
    refusal: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("units >= 1", name="units_positive"),
        CheckConstraint(
            "(contribution_id IS NULL) = (granted_points IS NULL)", name="granted_is_told"
        ),
        ForeignKeyConstraint(
            ["community_id", "award_list_id"],
            ["award_lists.community_id", "award_lists.award_list_id"],
        ),
    )
