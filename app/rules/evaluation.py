"""What an act is worth: pure calculation, no database and no clock.

base = points x units. A campaign adds its percentage of the base above 100, then its fixed
bonus; several campaigns each add on the base alone, so their order does not matter. Fractions
are rounded up, in the resident's favour. Caps are applied later, where usage is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.calendar import Period
from app.rules.models import ArrivesOn, EarnedBy


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many points, so many times, or both, in a period."""

    period: Period
    points: int | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """A rule version as evaluation needs it.

    Where the rule follows the community's policy on expiry, `expiry` is that of `policy_version`,
    and counts from `expiry_since` if it was switched on later.
    """

    rule_id: int
    rule_version_id: int
    code: str
    name: str
    points: int
    max_units: int
    is_earning: bool
    caps: tuple[Cap, ...]
    expiry: dict[str, Any]
    arrives_on: ArrivesOn = ArrivesOn.ACT
    earned_by: EarnedBy = EarnedBy.ACTOR
    policy_version: int | None = None
    expiry_since: datetime | None = None

    @property
    def follows_policy(self) -> bool:
        return self.policy_version is not None


@dataclass(frozen=True, slots=True)
class Bonus:
    """A campaign as evaluation needs it."""

    code: str
    name: str
    percent: int
    bonus_points: int
    rule_codes: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime

    def applies(self, terms: Terms, acted_at: datetime) -> bool:
        is_named = not self.rule_codes or terms.code in self.rule_codes
        is_on = self.starts_at <= acted_at < self.ends_at
        return terms.is_earning and is_named and is_on


@dataclass(frozen=True, slots=True)
class Worth:
    """Points an act asks for, and why."""

    points: int
    breakdown: dict[str, Any]


def evaluate(terms: Terms, campaigns: Sequence[Bonus], *, units: int, acted_at: datetime) -> Worth:
    """Return what the act asks for under these terms and campaigns."""
    base = terms.points * units
    running = [campaign for campaign in campaigns if campaign.applies(terms, acted_at)]
    running.sort(key=lambda campaign: campaign.code)
    extras = [_extra(campaign, base) for campaign in running]
    total = base + sum(extras)
    breakdown = {
        "rule": terms.code,
        "name": terms.name,
        "points_each": terms.points,
        "units": units,
        "base_points": base,
        "bonuses": [
            {"campaign": campaign.code, "name": campaign.name, "points": points}
            for campaign, points in zip(running, extras, strict=True)
        ],
        "total_points": total,
    }
    return Worth(points=total, breakdown=breakdown)


def _extra(campaign: Bonus, base: int) -> int:
    share = base * (campaign.percent - 100)
    return -(-share // 100) + campaign.bonus_points
