"""What each item of a batch gets: pure, given what the database said under lock.

Items are taken in order. The same act twice is `already_there`; what caps leave is granted,
even if that is nothing; debt is repaid before anything becomes a lot. Because all usage of a
resident is read and written under that resident's balance lock (and a campaign's budget under
its own row's), neither repeats within a batch nor batches side by side can pass a cap, and a cap
that stops an item uses up no other cap. An interval is a cap that leaves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.core.calendar import Period, period_start
from app.rules.evaluation import Bonus, Terms, Worth

INTERVAL = "interval"
# Stands for everybody where a campaign's budget is counted.
EVERYBODY = 0

NaturalKey = tuple[str, int, int, str]
UsageKey = tuple[int, int, Period, date]
CampaignKey = tuple[int, int]
SpacedKey = tuple[int, int]
JudgedAt = tuple[int, datetime, int | None]


class Verdict(StrEnum):
    """What became of an item."""

    GRANTED = "granted"
    CAPPED = "capped"
    ALREADY_THERE = "already_there"
    NO_SUCH_RESIDENT = "no_such_resident"
    RULE_CHANGED = "rule_changed"


@dataclass(frozen=True, slots=True)
class AwardItem:
    """One act of one resident, evaluated: `worth` is what it asks for.

    `acted_on` is the act's date in the community's calendar; caps and boards go by it.
    """

    contribution_id: int
    source_kind: str
    source_id: int
    resident_id: int
    occasion: str
    terms: Terms
    units: int
    worth: Worth
    recorded_by: int
    acted_at: datetime
    acted_on: date
    memo: str
    reason: str | None = None
    checked_by: int | None = None
    place: tuple[float, float] | None = None

    @property
    def points(self) -> int:
        return self.worth.points

    @property
    def natural_key(self) -> NaturalKey:
        return (self.source_kind, self.source_id, self.resident_id, self.occasion)

    @property
    def judged_at(self) -> JudgedAt:
        """The rule version that must have been in force, when, and the policy that must stand."""
        return (self.terms.rule_version_id, self.acted_at, self.terms.policy_version)

    def usage_keys(self) -> list[UsageKey]:
        periods = sorted({cap.period for cap in self.terms.caps})
        rule_id = self.terms.rule_id
        return [
            (rule_id, self.resident_id, period, period_start(period, self.acted_on))
            for period in periods
        ]

    def campaign_keys(self) -> list[CampaignKey]:
        """Return whose use of limited campaigns it depends on."""
        return [
            key
            for extra in self.worth.extras
            for key in campaign_keys(extra.bonus, self.resident_id)
        ]

    @property
    def spaced_key(self) -> SpacedKey:
        return (self.terms.rule_id, self.resident_id)


def campaign_keys(bonus: Bonus, resident_id: int) -> list[CampaignKey]:
    """Return which counts of a campaign what it gives to a resident adds to.

    A resident's own is kept also where only the budget is limited: so the sum can be audited.
    """
    if not bonus.is_limited:
        return []
    own = (bonus.campaign_id, resident_id)
    return [own] if bonus.budget_points is None else [own, (bonus.campaign_id, EVERYBODY)]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A contribution that is there: its number and what it gave."""

    contribution_id: int
    granted_points: int


@dataclass(slots=True)
class Usage:
    """How much of a rule's caps has been used in one period."""

    points: int = 0
    times: int = 0


@dataclass(slots=True)
class Locked:
    """What the database said while the residents' balance rows were ours."""

    debts: dict[int, int]
    recorded: dict[NaturalKey, Recorded]
    usage: dict[UsageKey, Usage]
    in_force: set[JudgedAt]
    campaigns: dict[CampaignKey, int] = field(default_factory=dict)
    spaced: dict[SpacedKey, list[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on an item; `repaid` points of those granted went into debt.

    `asked` is its worth under campaigns' limits, `granted` what caps left of that.
    """

    item: AwardItem
    verdict: Verdict
    recorded: Recorded | None = None
    repaid_points: int = 0
    caps_hit: tuple[str, ...] = ()
    asked: Worth | None = None
    granted: Worth | None = None

    @property
    def is_new(self) -> bool:
        return self.verdict in (Verdict.GRANTED, Verdict.CAPPED)

    @property
    def asked_points(self) -> int:
        return self.item.points if self.asked is None else self.asked.points

    @property
    def granted_points(self) -> int:
        return 0 if self.recorded is None else self.recorded.granted_points

    def breakdown(self) -> dict[str, Any]:
        """Return the explanation that is kept: what was asked, and what limits and caps left."""
        told = self.item.worth.breakdown
        if self.asked is None or self.granted is None:
            return told
        if self.asked is not self.item.worth or self.granted is not self.asked:
            told = told | {"bonuses": self._bonuses(self.asked, self.granted)}
            told = told | {"total_points": self.asked.points}
        return told | {"caps_hit": list(self.caps_hit)} if self.caps_hit else told

    def _bonuses(self, asked: Worth, granted: Worth) -> list[dict[str, Any]]:
        bonuses = []
        for full, limited, kept in zip(
            self.item.worth.extras, asked.extras, granted.extras, strict=True
        ):
            told: dict[str, Any] = {
                "campaign": full.bonus.code, "name": full.bonus.name, "points": limited.points
            }  # fmt: skip
            if limited.points < full.points:
                told["full_points"] = full.points
            if kept.points < limited.points:
                told["granted_points"] = kept.points
            bonuses.append(told)
        return bonuses


@dataclass(slots=True)
class Used:
    """What a batch adds to the counts that it read."""

    caps: dict[UsageKey, Usage] = field(default_factory=dict)
    campaigns: dict[CampaignKey, int] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Decides item by item, remembering what it has given away."""

    locked: Locked
    used: Used = field(default_factory=Used)

    def decide(self, item: AwardItem) -> Decision:
        there = self.locked.recorded.get(item.natural_key)
        if there is not None:
            return Decision(item, Verdict.ALREADY_THERE, there)
        if item.resident_id not in self.locked.debts:
            return Decision(item, Verdict.NO_SUCH_RESIDENT)
        if item.judged_at not in self.locked.in_force:
            return Decision(item, Verdict.RULE_CHANGED)
        return self._grant(item)

    def _grant(self, item: AwardItem) -> Decision:
        asked = self._limited(item)
        left = self._left(item, asked.points)
        points = min([asked.points, *left.values()])
        caps_hit = tuple(cap for cap, allowed in left.items() if allowed < asked.points)
        granted = asked if points == asked.points else asked.cut_to(points)
        if points > 0:
            self._use(item, granted)
        repaid = min(points, self.locked.debts[item.resident_id])
        self.locked.debts[item.resident_id] -= repaid
        recorded = Recorded(item.contribution_id, points)
        self.locked.recorded[item.natural_key] = recorded
        verdict = Verdict.CAPPED if caps_hit else Verdict.GRANTED
        return Decision(item, verdict, recorded, repaid, caps_hit, asked, granted)

    def _limited(self, item: AwardItem) -> Worth:
        """Return what the item asks for once campaigns have given what they have left."""
        left = {
            extra.bonus.code: self._left_of(extra.bonus, item.resident_id)
            for extra in item.worth.extras
            if extra.bonus.is_limited
        }
        return item.worth.limited(left) if left else item.worth

    def _left_of(self, bonus: Bonus, resident_id: int) -> int:
        limits = {resident_id: bonus.per_person_points, EVERYBODY: bonus.budget_points}
        return min(
            max(limit - self.locked.campaigns.get((bonus.campaign_id, whose), 0), 0)
            for whose, limit in limits.items()
            if limit is not None
        )

    def _left(self, item: AwardItem, asked: int) -> dict[str, int]:
        """Return how many points each cap still allows this item."""
        left: dict[str, int] = {}
        for cap in item.terms.caps:
            start = period_start(cap.period, item.acted_on)
            key = (item.terms.rule_id, item.resident_id, cap.period, start)
            used = self.locked.usage.get(key, Usage())
            allowed = asked
            if cap.times is not None and used.times >= cap.times:
                allowed = 0
            if cap.points is not None:
                allowed = min(allowed, max(cap.points - used.points, 0))
            left[cap.period] = min(allowed, left.get(cap.period, allowed))
        if self._is_too_soon(item):
            left[INTERVAL] = 0
        return left

    def _is_too_soon(self, item: AwardItem) -> bool:
        """Tell whether another act that earned lies within the rule's interval, on either side."""
        interval = item.terms.min_interval
        if interval is None:
            return False
        near = self.locked.spaced.get(item.spaced_key, [])
        return any(abs(item.acted_at - moment) < interval for moment in near)

    def _use(self, item: AwardItem, granted: Worth) -> None:
        for key in item.usage_keys():
            for book in (self.locked.usage, self.used.caps):
                usage = book.setdefault(key, Usage())
                usage.points += granted.points
                usage.times += 1
        for extra in granted.extras:
            for campaign in campaign_keys(extra.bonus, item.resident_id):
                for counts in (self.locked.campaigns, self.used.campaigns):
                    counts[campaign] = counts.get(campaign, 0) + extra.points
        if item.terms.min_interval is not None:
            self.locked.spaced.setdefault(item.spaced_key, []).append(item.acted_at)


def decide(items: Sequence[AwardItem], locked: Locked) -> tuple[list[Decision], Used]:
    """Return a decision per item, in order, and what the batch adds to the counts."""
    batch = Batch(locked)
    return [batch.decide(item) for item in items], batch.used
