"""What the public rule book looks like."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.core.ids import Id
from app.rules.models import ArrivesOn, Direction, EarnedBy


class RuleRead(BaseModel):
    """A rule and the version in force.

    `expiry` says when points lapse, for a rule that follows the community's policy as that says.
    """

    rule_id: Id
    code: str
    name: str
    category: str
    direction: Direction
    unit: str
    points: int
    max_units: int
    caps: list[dict[str, Any]]
    expiry: dict[str, Any]
    follows_policy: bool
    arrives_on: ArrivesOn
    earned_by: EarnedBy
    version: int
    effective_from: datetime


class RuleBook(BaseModel):
    """Every rule in force, in one list: it is meant to be read whole."""

    items: list[RuleRead]
    next_cursor: None = None
