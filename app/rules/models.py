"""Rules, their immutable versions, how those are changed, and campaigns on top of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model

# What is called off before it begins stands for this long, and gives nothing.
SHORTEST = timedelta(microseconds=1)


class Direction(StrEnum):
    """Whether a rule gives points or takes them."""

    EARN = "earn"
    COST = "cost"


class ArrivesOn(StrEnum):
    """When the points of a rule arrive: with the act, on joining, or at a step of a case."""

    ACT = "act"
    JOINED = "joined"
    REPORTED = "reported"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"


class EarnedBy(StrEnum):
    """Who earns by a rule: whoever acted, or those who joined in afterwards ("me too")."""

    ACTOR = "actor"
    JOINERS = "joiners"


class Effort(StrEnum):
    """How much an act asks of somebody."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Mode(StrEnum):
    """Whether an act is done online or in person; a rule may ask for one of them."""

    ANY = "any"
    ONLINE = "online"
    OFFLINE = "offline"


class Evidence(StrEnum):
    """What a claim must bring along."""

    PHOTO = "photo"
    NOTE = "note"
    TIMES = "times"


class RuleCategory(Model):
    """A branch of the tree that rules are sorted into; `parent_code` is empty at the top."""

    __tablename__ = "rule_categories"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_code: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "parent_code"],
            ["rule_categories.community_id", "rule_categories.code"],
        ),
        CheckConstraint("parent_code <> code", name="not_its_own_parent"),
    )


class Rule(Model):
    """What behaviour counts; its code is how presets, activities and people name it."""

    __tablename__ = "rules"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]

    __table_args__ = (Index("uq_rules_code", "community_id", "code", unique=True),)


class RuleVersion(Model):
    """How much it counts, from one moment to another. Never changed, only followed by another.

    `caps` is a list of {period, points?, times?} (rules/evaluation.py reads it); `expiry` says
    when points of this rule lapse (ledger/lapses.py), or that they follow the community's policy.
    `arrives_on` says at which step of a case the points arrive, `earned_by` whether reporters or
    joiners earn them. `points_by_effort` ({low, medium, high}) stands in the place of `points`
    where the act's effort decides. `audience` lists who may earn by it (empty: everybody).
    Residents may claim it themselves if `is_claimable`: with `evidence`, reviewed by so many as
    `review_level` says, and shown for objections for `award_notice_days` before it is awarded.
    `rule_change_id` is how it was decided; empty for what came with the preset.
    """

    __tablename__ = "rule_versions"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    rule_version_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    version: Mapped[int]
    name: Mapped[str]
    category: Mapped[str]
    direction: Mapped[str]
    unit: Mapped[str]
    points: Mapped[int]
    max_units: Mapped[int]
    caps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    expiry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    arrives_on: Mapped[str] = mapped_column(server_default="act")
    earned_by: Mapped[str] = mapped_column(server_default="actor")
    effort: Mapped[str | None]
    points_by_effort: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    min_interval_minutes: Mapped[int | None]
    audience: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    mode: Mapped[str] = mapped_column(server_default="any")
    is_claimable: Mapped[bool] = mapped_column(server_default=text("false"))
    review_level: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    evidence: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    award_notice_days: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    rule_change_id: Mapped[int | None]
    adopted_at: Mapped[datetime | None]
    effective_from: Mapped[datetime]
    effective_until: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("direction IN ('earn', 'cost')", name="direction_known"),
        CheckConstraint("unit IN ('time', 'hour', 'month', 'piece')", name="unit_known"),
        CheckConstraint(
            "arrives_on IN ('act', 'joined', 'reported', 'accepted', 'resolved', 'confirmed')",
            name="arrives_on_known",
        ),
        CheckConstraint("earned_by IN ('actor', 'joiners')", name="earned_by_known"),
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("max_units >= 1", name="max_units_positive"),
        CheckConstraint("effective_until > effective_from", name="in_force_forwards"),
        CheckConstraint("effort IN ('low', 'medium', 'high')", name="effort_known"),
        CheckConstraint("mode IN ('any', 'online', 'offline')", name="mode_known"),
        CheckConstraint("min_interval_minutes > 0", name="interval_positive"),
        CheckConstraint("review_level BETWEEN 0 AND 2", name="review_level_known"),
        CheckConstraint("award_notice_days BETWEEN 0 AND 60", name="award_notice_days_sane"),
        CheckConstraint("effective_from > adopted_at", name="never_back_in_time"),
        ForeignKeyConstraint(["community_id", "rule_id"], ["rules.community_id", "rules.rule_id"]),
        Index("uq_rule_versions_version", "community_id", "rule_id", "version", unique=True),
    )


class ChangeState(StrEnum):
    """Where a change of rules stands; only `in_notice` can still be decided."""

    IN_NOTICE = "in_notice"
    ADOPTED = "adopted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class RuleChange(Model):
    """Rules to be made, changed or ended: proposed, put to public notice, then decided.

    `changes` is a list of {kind: new|change|end, code, based_on (version, empty if new), terms}
    with terms as a rule book states them (rules/book). They take effect together. One of them may
    be of kind `procedure`: its terms are all the days of the procedure, and `before` those until
    then; it holds from the adoption.
    """

    __tablename__ = "rule_changes"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    rule_change_id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    reason: Mapped[str]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    state: Mapped[str]
    public_notice_id: Mapped[int]
    notice_until: Mapped[datetime]
    effective_from: Mapped[datetime]
    proposed_by: Mapped[int]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('in_notice', 'adopted', 'rejected', 'withdrawn')", name="state_known"
        ),
        CheckConstraint("(state = 'in_notice') = (decided_at IS NULL)", name="decided_with_time"),
        CheckConstraint(
            "state NOT IN ('adopted', 'rejected') OR decided_by <> proposed_by",
            name="decided_by_another",
        ),
        CheckConstraint(
            "state <> 'adopted' OR decided_at >= notice_until", name="adopted_after_notice"
        ),
        CheckConstraint(
            "state <> 'adopted' OR effective_from > decided_at", name="never_back_in_time"
        ),
        Index("ix_rule_changes_state", "community_id", "state", "rule_change_id"),
        Index("ix_rule_changes_notice", "community_id", "public_notice_id"),
    )


class Procedure(Model):
    """How a community decides, in calendar days: notice, hearing, repair, appeal, answer.

    Changed as rules are (RuleChange). There are no versions: what began before keeps its dates.
    """

    __tablename__ = "procedures"

    community_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rule_notice_days: Mapped[int] = mapped_column(SmallInteger, server_default="7")
    hearing_days: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    repair_days: Mapped[int] = mapped_column(SmallInteger, server_default="30")
    appeal_days: Mapped[int] = mapped_column(SmallInteger, server_default="15")
    appeal_answer_days: Mapped[int] = mapped_column(SmallInteger, server_default="10")

    __table_args__ = (
        CheckConstraint("rule_notice_days BETWEEN 1 AND 90", name="rule_notice_days_sane"),
        CheckConstraint("hearing_days BETWEEN 0 AND 60", name="hearing_days_sane"),
        CheckConstraint("repair_days BETWEEN 1 AND 366", name="repair_days_sane"),
        CheckConstraint("appeal_days BETWEEN 1 AND 366", name="appeal_days_sane"),
        CheckConstraint("appeal_answer_days BETWEEN 1 AND 90", name="appeal_answer_days_sane"),
    )


class Campaign(Model):
    """A time in which rules give more: a percentage of the base, then a fixed bonus.

    Empty lists mean every earning rule, category, weekday (1 is Monday), grid and audience.
    `hours` ({from, until}, local, over midnight if until is earlier) and `weekdays` go by when
    the act was done; a night over midnight is that of the weekday it began on. `newcomer_days`
    means only residents who joined so recently. What one resident, and everybody together, can
    get from it is limited by `per_person_points` and `budget_points`.
    """

    __tablename__ = "campaigns"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    rule_codes: Mapped[list[str]] = mapped_column(JSONB)
    categories: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    percent: Mapped[int]
    bonus_points: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    hours: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    weekdays: Mapped[list[int]] = mapped_column(JSONB, server_default=text("'[]'"))
    grid_ids: Mapped[list[int]] = mapped_column(JSONB, server_default=text("'[]'"))
    audience: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    newcomer_days: Mapped[int | None]
    per_person_points: Mapped[int | None]
    budget_points: Mapped[int | None]
    created_by: Mapped[int | None]
    created_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("percent BETWEEN 100 AND 1000", name="percent_not_less_than_base"),
        CheckConstraint("bonus_points >= 0", name="bonus_not_negative"),
        CheckConstraint("ends_at > starts_at", name="runs_forwards"),
        CheckConstraint("starts_at >= created_at", name="never_back_in_time"),
        CheckConstraint("newcomer_days > 0", name="newcomer_days_positive"),
        CheckConstraint("per_person_points > 0", name="per_person_positive"),
        CheckConstraint("budget_points > 0", name="budget_positive"),
        Index("uq_campaigns_code", "community_id", "code", unique=True),
    )
