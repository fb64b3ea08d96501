"""What the public rule book, the history of a rule and the procedure look like."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.core.ids import Id
from app.rules.models import ArrivesOn, Direction, EarnedBy, Effort, Evidence, Mode


class RuleRead(BaseModel):
    """A rule and the version in force.

    `expiry` says when points lapse, for a rule that follows the community's policy as that says.
    `category_names` lead from the top of the tree to the rule's own branch; `sentence` says all of
    it in Chinese. `rule_change_id` and `notice_id` are how it was decided and under which public
    notice it stood; empty for what came with the preset.
    """

    rule_id: Id
    code: str
    name: str
    category: str
    category_names: list[str]
    sentence: str = Field(examples=["志愿服务：每小时 10 分，单次最多 8 小时，每天最多 80 分"])
    direction: Direction
    unit: str
    points: int
    points_by_effort: dict[Effort, int] | None
    effort: Effort | None
    max_units: int
    caps: list[dict[str, Any]]
    min_interval_minutes: int | None
    audience: list[str]
    mode: Mode
    expiry: dict[str, Any]
    follows_policy: bool
    arrives_on: ArrivesOn
    earned_by: EarnedBy
    is_claimable: bool
    review_level: int
    evidence: list[Evidence]
    award_notice_days: int
    version: int
    effective_from: datetime
    effective_until: datetime | None
    adopted_at: datetime | None
    rule_change_id: Id | None
    notice_id: Id | None


class RuleBook(BaseModel):
    """Every rule in force, in one list: it is meant to be read whole."""

    items: list[RuleRead]
    next_cursor: None = None


class RuleHistory(BaseModel):
    """Every version of a rule, the newest first; one may only come into force later."""

    items: list[RuleRead]
    next_cursor: None = None


class ProcedureRead(BaseModel):
    """How a community decides, in calendar days. What runs already keeps its dates."""

    model_config = ConfigDict(from_attributes=True)

    rule_notice_days: int = Field(examples=[7])
    hearing_days: int = Field(examples=[3])
    repair_days: int = Field(examples=[30])
    appeal_days: int = Field(examples=[15])
    appeal_answer_days: int = Field(examples=[10])
