"""How unlikely something is: distances, spans, shares and chances. No database, no clock."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from app.core.coordinates import Position, distance_meters

# A car through town; what is nearer than two kilometres is walked, or a place set inexactly.
MOST_KMH = 120
LEAST_METERS = 2_000
SECONDS_PER_HOUR = 3_600
METERS_PER_KM = 1_000

# One in a thousand by chance, and never from a handful of reviews.
LEAST_CHANCE = 0.001
LEAST_REVIEWS = 5

LEAST_ACTIVE = 10
LEAST_SHARE = 0.10
TIMES_AVERAGE = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody was at an announced place, as a contribution tells."""

    contribution_id: int
    acted_at: datetime
    place: Position


@dataclass(frozen=True, slots=True)
class Leg:
    """From one place to the next, in the order of time."""

    earlier: Visit
    later: Visit

    @property
    def meters(self) -> float:
        return distance_meters(self.earlier.place, self.later.place)

    @property
    def seconds(self) -> float:
        return (self.later.acted_at - self.earlier.acted_at).total_seconds()

    @property
    def is_impossible(self) -> bool:
        """Tell whether it takes more than 120 km/h, at least 2 km away."""
        hours = self.seconds / SECONDS_PER_HOUR
        return (
            self.meters >= LEAST_METERS
            and self.meters / METERS_PER_KM > MOST_KMH * hours
        )  # fmt: skip


def impossible_legs(visits: Iterable[Visit]) -> list[Leg]:
    """Return between which visits of one resident nobody could have travelled, in any order.

    Only neighbours in time are compared: whoever outruns a car from the first to the third visit
    does so on one of the two ways between.
    """
    in_time = sorted(visits, key=lambda visit: (visit.acted_at, visit.contribution_id))
    legs = (Leg(earlier, later) for earlier, later in pairwise(in_time))
    return [leg for leg in legs if leg.is_impossible]


@dataclass(frozen=True, slots=True)
class Span:
    """When something was done; without an end it was a moment."""

    begins_at: datetime
    ends_at: datetime | None = None

    def overlaps(self, other: "Span") -> bool:
        """Tell whether they share any time; what ends as the other begins does not."""
        if self.ends_at is None and other.ends_at is None:
            return self.begins_at == other.begins_at
        if self.ends_at is None:
            return other.overlaps(self)
        if other.ends_at is None:
            return self.begins_at <= other.begins_at < self.ends_at
        return self.begins_at < other.ends_at and other.begins_at < self.ends_at


def binomial_tail(seen: int, trials: int, share: float) -> float:
    """Return the chance of at least `seen` hits in so many trials of this share each."""
    if seen <= 0 or share >= 1:
        return 1.0
    if share <= 0 or seen > trials:
        return 0.0
    hit, miss = math.log(share), math.log1p(-share)
    # Logarithms, because factorials of a few hundred are beyond a float.
    whole = math.lgamma(trials + 1)
    return min(1.0, math.fsum(
        math.exp(
            whole - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
            + hits * hit + (trials - hits) * miss
        )
        for hits in range(seen, trials + 1)
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairCount:
    """Reviewed claims: one resident's, those of them one reviewer saw, and the same of everybody's.

    A person reviews a claim at most once, so each claim is one trial also where two must review.
    """

    seen: int
    claims: int
    seen_of_all: int
    all_claims: int

    @property
    def share(self) -> float:
        """The part of everybody's reviewed claims that the reviewer saw."""
        return self.seen_of_all / self.all_claims if self.all_claims else 0.0

    @property
    def expected(self) -> float:
        """How many of the resident's claims that part would be."""
        return self.claims * self.share

    @property
    def chance(self) -> float:
        """How likely as many as seen, or more, would come by chance."""
        return binomial_tail(self.seen, self.claims, self.share)

    @property
    def is_unusual(self) -> bool:
        return self.seen >= LEAST_REVIEWS and self.chance < LEAST_CHANCE


@dataclass(frozen=True, slots=True)
class Concentration:
    """Points of one resident, of everybody, and how many residents have any."""

    points: int
    all_points: int
    active_residents: int

    @property
    def share(self) -> float:
        return self.points / self.all_points if self.all_points > 0 else 0.0

    @property
    def average_share(self) -> float:
        return 1 / self.active_residents if self.active_residents else 0.0

    @property
    def is_unusual(self) -> bool:
        """At least a tenth and five times the average, where ten or more have points."""
        least = max(LEAST_SHARE, TIMES_AVERAGE * self.average_share)
        return self.active_residents >= LEAST_ACTIVE and self.share >= least
