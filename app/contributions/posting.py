"""What each item of a batch gets: pure, given what the database said under lock.

Items are taken in order. The same act twice is `already_there`; what caps leave is granted,
even if that is nothing; debt is repaid before anything becomes a lot. Because all usage of a
resident is read and written under that resident's balance lock, neither repeats within a batch
nor batches side by side can pass a cap, and a cap that stops an item uses up no other cap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.core.calendar import Period, period_start
from app.rules.evaluation import Terms

NaturalKey = tuple[str, int, int, str]
UsageKey = tuple[int, int, Period, date]
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
    """One act of one resident, evaluated: `points` is what it asks for.

    `acted_on` is the act's date in the community's calendar; caps and boards go by it.
    """

    contribution_id: int
    source_kind: str
    source_id: int
    resident_id: int
    occasion: str
    terms: Terms
    units: int
    points: int
    breakdown: dict[str, Any]
    recorded_by: int
    acted_at: datetime
    acted_on: date
    memo: str
    reason: str | None = None
    checked_by: int | None = None

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


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on an item; `repaid` points of those granted went into debt."""

    item: AwardItem
    verdict: Verdict
    recorded: Recorded | None = None
    repaid_points: int = 0
    caps_hit: tuple[Period, ...] = ()

    @property
    def is_new(self) -> bool:
        return self.verdict in (Verdict.GRANTED, Verdict.CAPPED)

    @property
    def granted_points(self) -> int:
        return 0 if self.recorded is None else self.recorded.granted_points


@dataclass(slots=True)
class Batch:
    """Decides item by item, remembering what it has given away."""

    locked: Locked
    used: dict[UsageKey, Usage] = field(default_factory=dict)

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
        left = self._left(item)
        granted = min([item.points, *left.values()])
        caps_hit = tuple(period for period, points in left.items() if points < item.points)
        for key in item.usage_keys() if granted > 0 else []:
            self._use(key, granted)
        repaid = min(granted, self.locked.debts[item.resident_id])
        self.locked.debts[item.resident_id] -= repaid
        recorded = Recorded(item.contribution_id, granted)
        self.locked.recorded[item.natural_key] = recorded
        verdict = Verdict.GRANTED if granted == item.points else Verdict.CAPPED
        return Decision(item, verdict, recorded, repaid, caps_hit)

    def _left(self, item: AwardItem) -> dict[Period, int]:
        """Return how many points each cap still allows this item."""
        left: dict[Period, int] = {}
        for cap in item.terms.caps:
            start = period_start(cap.period, item.acted_on)
            key = (item.terms.rule_id, item.resident_id, cap.period, start)
            used = self.locked.usage.get(key, Usage())
            allowed = item.points
            if cap.times is not None and used.times >= cap.times:
                allowed = 0
            if cap.points is not None:
                allowed = min(allowed, max(cap.points - used.points, 0))
            left[cap.period] = min(allowed, left.get(cap.period, allowed))
        return left

    def _use(self, key: UsageKey, points: int) -> None:
        for book in (self.locked.usage, self.used):
            usage = book.setdefault(key, Usage())
            usage.points += points
            usage.times += 1


def decide(
    items: Sequence[AwardItem], locked: Locked
) -> tuple[list[Decision], Mapping[UsageKey, Usage]]:
    """Return a decision per item, in order, and the cap usage that the batch adds."""
    batch = Batch(locked)
    return [batch.decide(item) for item in items], batch.used
