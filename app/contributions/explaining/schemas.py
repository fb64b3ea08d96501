"""Contributions as their residents, and those who judge an appeal, read them."""

from datetime import datetime

from pydantic import BaseModel

from app.contributions.evidence.schemas import EvidencePhotoRead
from app.contributions.models import ContributionState, SourceKind
from app.core.access import Role
from app.core.calendar import Period
from app.core.ids import Id
from app.rules.models import Effort


class ContributionSummary(BaseModel):
    """An award or deduction (negative) in a list; `undone_points` is how much was undone since."""

    contribution_id: Id
    name: str
    state: ContributionState
    source_kind: SourceKind
    asked_points: int
    granted_points: int
    undone_points: int
    acted_at: datetime
    recorded_at: datetime


class CampaignShare(BaseModel):
    """What a campaign added: by its terms, under its limits, and once caps had been applied."""

    code: str
    name: str
    full_points: int
    asked_points: int
    granted_points: int


class LimitHit(BaseModel):
    """A limit of the rule that left less: of a period, or (period null) the interval in minutes."""

    period: Period | None
    points: int | None
    times: int | None
    interval_minutes: int | None


class Adoption(BaseModel):
    """The change by which a rule version came about, and the public notice it stood under."""

    rule_change_id: Id
    title: str
    reason: str
    decided_at: datetime | None
    public_notice_id: Id
    notice_opened_at: datetime
    notice_closed_at: datetime


class RuleStood(BaseModel):
    """The rule version that an act was judged by; without adoption it came with the preset."""

    rule_id: Id
    rule_version_id: Id
    code: str
    name: str
    category: str
    version: int
    effective_from: datetime
    effective_until: datetime | None
    adoption: Adoption | None


class WhoActed(BaseModel):
    """Who recorded or reviewed: the resident, a machine, or a role and a masked name."""

    is_the_resident: bool
    is_a_machine: bool
    role: Role | None
    masked_name: str | None


class UndonePart(BaseModel):
    """Points undone since; less was taken than asked where the wallet had no more.

    More than asked is what had been asked for before, and was there later.
    """

    asked_points: int
    moved_points: int
    reason: str
    undone_at: datetime


class Sentences(BaseModel):
    """The explanation in words."""

    zh: list[str]
    en: list[str]


class ContributionExplained(BaseModel):
    """Everything that made up an award or a deduction (negative points).

    `receipt_path` is where its receipt is fetched; null where no points moved.
    """

    contribution_id: Id
    source_kind: SourceKind
    source_id: Id
    state: ContributionState
    acted_at: datetime
    recorded_at: datetime
    reason: str | None
    units: int
    unit: str
    effort: Effort | None
    points_each: int
    base_points: int
    campaigns: list[CampaignShare]
    limits_hit: list[LimitHit]
    asked_points: int
    granted_points: int
    standing_points: int
    rule: RuleStood
    recorded_by: WhoActed
    reviewed_by: list[WhoActed]
    photos: list[EvidencePhotoRead]
    undone: list[UndonePart]
    receipt_path: str | None
    sentences: Sentences
