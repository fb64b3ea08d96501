"""Public notices, and the comments and objections to them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class NoticeKind(StrEnum):
    """What is put to notice."""

    RULE_CHANGE = "rule_change"
    AWARD_LIST = "award_list"


class RemarkKind(StrEnum):
    """What somebody says to a notice; an objection must be answered."""

    COMMENT = "comment"
    OBJECTION = "objection"


class PublicNotice(Model):
    """Something open to objections until `closes_at`; withdrawn, nothing comes of it.

    Once settled, what it stands for has been decided, and a remark that was on its way is late.
    """

    __tablename__ = "public_notices"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    public_notice_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    published_by: Mapped[int]

    __table_args__ = (
        CheckConstraint("kind IN ('rule_change', 'award_list')", name="kind_known"),
        CheckConstraint("closes_at > opens_at", name="open_for_a_while"),
        Index("ix_public_notices_closes_at", "community_id", "closes_at"),
    )


class NoticeRemark(Model):
    """A comment or objection of a resident; its text is shown once it has passed the check.

    `about_id` names a line of the notice, as of a list of awards. An upheld objection stops what
    it was raised against.
    """

    __tablename__ = "notice_remarks"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    remark_id: Mapped[int] = mapped_column(primary_key=True)
    public_notice_id: Mapped[int]
    about_id: Mapped[int | None]
    kind: Mapped[str]
    text: Mapped[str]
    resident_id: Mapped[int]
    person_id: Mapped[int]
    written_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    is_upheld: Mapped[bool | None]

    __table_args__ = (
        CheckConstraint("kind IN ('comment', 'objection')", name="kind_known"),
        CheckConstraint("answered_by <> person_id", name="answered_by_another"),
        CheckConstraint(
            "(answer IS NULL) = (answered_by IS NULL) AND (answer IS NULL) = (answered_at IS NULL)",
            name="answered_with_time",
        ),
        CheckConstraint(
            "(is_upheld IS NOT NULL) = (kind = 'objection' AND answer IS NOT NULL)",
            name="objection_is_judged",
        ),
        ForeignKeyConstraint(
            ["community_id", "public_notice_id"],
            ["public_notices.community_id", "public_notices.public_notice_id"],
        ),
        Index("ix_notice_remarks_notice", "community_id", "public_notice_id", "remark_id"),
        Index(
            "ix_notice_remarks_unanswered",
            "community_id",
            "remark_id",
            postgresql_where=sql("kind = 'objection' AND answer IS NULL"),
        ),
    )
