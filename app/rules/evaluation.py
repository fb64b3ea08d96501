"""What an act is worth: pure calculation, no database and no clock.

    base = points x units

where a rule may give other points for low, medium and high effort. Each campaign that applies
adds its percentage of the base above 100 and its fixed bonus; several campaigns each add on the
base alone, so their order does not matter. Fractions are rounded up, in the resident's favour.

What is left under campaigns' limits and the rule's caps is known only where usage is locked, so
`Worth.limited` is asked once more there: first each bonus is cut to what its campaign has left,
then, where a cap leaves less than the sum, bonuses give way before the base, the last by code
first. So a campaign's budget is never used up by points that nobody got.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from app.core.calendar import Period, in_zone
from app.rules.errors import EffortMissing
from app.rules.models import ArrivesOn, EarnedBy, Effort, Mode


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
    category: str = ""
    points_by_effort: Mapping[str, int] | None = None
    min_interval: timedelta | None = None
    audience: tuple[str, ...] = ()
    mode: Mode = Mode.ANY

    @property
    def follows_policy(self) -> bool:
        return self.policy_version is not None

    def points_for(self, effort: Effort | None) -> int:
        """Return the points of one unit; raises EffortMissing where the rule must know it."""
        if self.points_by_effort is None:
            return self.points
        if effort is None:
            raise EffortMissing
        return self.points_by_effort[effort]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an act and of who did it.

    Grid, audience and joining are looked up only where a rule or campaign asks for them
    (`needs_person`); hours and weekdays go by the community's own clock.
    """

    units: int
    acted_at: datetime
    timezone: str
    effort: Effort | None = None
    mode: Mode = Mode.ANY
    grid_id: int | None = None
    audience: frozenset[str] = frozenset()
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day from one minute to another, over midnight if it ends before it begins."""

    begins: time
    ends: time

    def cover(self, moment: time) -> bool:
        if self.begins < self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends

    def begun_on(self, local: datetime) -> date:
        """Return the day on which the time of day that covers a moment began."""
        is_past_midnight = self.ends <= self.begins and local.time() < self.ends
        return local.date() - timedelta(days=1) if is_past_midnight else local.date()


@dataclass(frozen=True, slots=True)
class Bonus:
    """A campaign as evaluation needs it; what is empty asks for nothing."""

    code: str
    name: str
    percent: int
    bonus_points: int
    rule_codes: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    campaign_id: int = 0
    categories: tuple[str, ...] = ()
    hours: Hours | None = None
    weekdays: tuple[int, ...] = ()
    grid_ids: tuple[int, ...] = ()
    audience: tuple[str, ...] = ()
    newcomer_days: int | None = None
    per_person_points: int | None = None
    budget_points: int | None = None

    @property
    def needs_person(self) -> bool:
        """Tell whether it depends on who acted."""
        return bool(self.grid_ids or self.audience or self.newcomer_days)

    @property
    def is_limited(self) -> bool:
        return self.per_person_points is not None or self.budget_points is not None

    def applies(self, terms: Terms, facts: Facts) -> bool:
        return (
            terms.is_earning
            and self.starts_at <= facts.acted_at < self.ends_at
            and (not self.rule_codes or terms.code in self.rule_codes)
            and (not self.categories or terms.category in self.categories)
            and self._is_its_time(facts)
            and self._is_for(facts)
        )

    def _is_its_time(self, facts: Facts) -> bool:
        local = in_zone(facts.timezone, facts.acted_at)
        if self.hours is not None and not self.hours.cover(local.time()):
            return False
        # A night is that of the weekday on which it began, as its sentence says.
        day = local.date() if self.hours is None else self.hours.begun_on(local)
        return not self.weekdays or day.isoweekday() in self.weekdays

    def _is_for(self, facts: Facts) -> bool:
        is_newcomer = self.newcomer_days is None or (
            facts.joined_at is not None
            and facts.acted_at - facts.joined_at < timedelta(days=self.newcomer_days)
        )
        return (
            is_newcomer
            and (not self.grid_ids or facts.grid_id in self.grid_ids)
            and (not self.audience or not facts.audience.isdisjoint(self.audience))
        )

    def points_on(self, base: int) -> int:
        """Return what it adds to a base, rounded up."""
        share = base * (self.percent - 100)
        return -(-share // 100) + self.bonus_points


@dataclass(frozen=True, slots=True)
class Extra:
    """What one campaign adds to an act."""

    bonus: Bonus
    points: int


@dataclass(frozen=True, slots=True)
class Worth:
    """Points an act asks for, and why. Extras are in the order of their campaigns' codes."""

    base_points: int
    extras: tuple[Extra, ...]
    breakdown: dict[str, Any] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return self.base_points + sum(extra.points for extra in self.extras)

    def limited(self, left: Mapping[str, int]) -> "Worth":
        """Return the worth with each campaign's extra cut to what it has left, by code."""
        extras = tuple(
            replace(extra, points=min(extra.points, left.get(extra.bonus.code, extra.points)))
            for extra in self.extras
        )
        return replace(self, extras=extras)

    def cut_to(self, points: int) -> "Worth":
        """Return what is granted where a cap leaves so few: bonuses give way before the base."""
        base = min(self.base_points, points)
        rest = points - base
        extras = []
        for extra in self.extras:
            kept = min(extra.points, rest)
            rest -= kept
            extras.append(replace(extra, points=kept))
        return replace(self, base_points=base, extras=tuple(extras))


def evaluate(terms: Terms, campaigns: Sequence[Bonus], facts: Facts) -> Worth:
    """Return what the act asks for under these terms and campaigns; raises EffortMissing."""
    each = terms.points_for(facts.effort)
    base = each * facts.units
    running = sorted(
        (campaign for campaign in campaigns if campaign.applies(terms, facts)),
        key=lambda campaign: campaign.code,
    )
    extras = tuple(Extra(campaign, campaign.points_on(base)) for campaign in running)
    worth = Worth(base, extras)
    breakdown = {
        "rule": terms.code,
        "name": terms.name,
        "points_each": each,
        "units": facts.units,
        "base_points": base,
        "bonuses": [
            {"campaign": extra.bonus.code, "name": extra.bonus.name, "points": extra.points}
            for extra in extras
        ],
        "total_points": worth.points,
    }
    if facts.effort is not None:
        breakdown["effort"] = facts.effort.value
    return replace(worth, breakdown=breakdown)


def needs_person(terms: Terms, campaigns: Sequence[Bonus]) -> bool:
    """Tell whether grid, audience or joining must be known of who acted."""
    return bool(terms.audience) or any(campaign.needs_person for campaign in campaigns)
