"""Rules, their immutable versions, and campaigns on top of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Direction(StrEnum):
    """Whether a rule gives points or takes them."""

    EARN = "earn"
    COST = "cost"


class ArrivesOn(StrEnum):
    """When the points of a rule arrive: with the act, or at a step of the case it brought."""

    ACT = "act"
    REPORTED = "reported"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"


class EarnedBy(StrEnum):
    """Who earns by a rule: whoever acted, or those who joined in afterwards ("me too")."""

    ACTOR = "actor"
    JOINERS = "joiners"


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
    joiners earn them.
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
    effective_from: Mapped[datetime]
    effective_until: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("direction IN ('earn', 'cost')", name="direction_known"),
        CheckConstraint("unit IN ('time', 'hour', 'month', 'piece')", name="unit_known"),
        CheckConstraint(
            "arrives_on IN ('act', 'reported', 'accepted', 'resolved', 'confirmed')",
            name="arrives_on_known",
        ),
        CheckConstraint("earned_by IN ('actor', 'joiners')", name="earned_by_known"),
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("max_units >= 1", name="max_units_positive"),
        CheckConstraint("effective_until > effective_from", name="in_force_forwards"),
        ForeignKeyConstraint(["community_id", "rule_id"], ["rules.community_id", "rules.rule_id"]),
        Index("uq_rule_versions_version", "community_id", "rule_id", "version", unique=True),
    )


class Campaign(Model):
    """A time in which rules give more: a percentage of the base, then a fixed bonus.

    `rule_codes` empty means every earning rule.
    """

    __tablename__ = "campaigns"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    rule_codes: Mapped[list[str]] = mapped_column(JSONB)
    percent: Mapped[int]
    bonus_points: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("percent BETWEEN 100 AND 1000", name="percent_not_less_than_base"),
        CheckConstraint("bonus_points >= 0", name="bonus_not_negative"),
        CheckConstraint("ends_at > starts_at", name="runs_forwards"),
        Index("uq_campaigns_code", "community_id", "code", unique=True),
    )
