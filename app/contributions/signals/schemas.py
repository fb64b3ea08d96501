"""Signals, as reviewers and auditors see them: a kind, the facts, and a sentence."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.core.ids import Id


class SignalKind(StrEnum):
    """What is unusual."""

    PHOTO_USED_TWICE = "photo_used_twice"
    SIMILAR_PHOTO = "similar_photo"
    OVERLAP = "overlap"
    IMPOSSIBLE_DISTANCE = "impossible_distance"
    UNUSUAL_PAIR = "unusual_pair"
    CONCENTRATION = "concentration"


class PhotoUse(StrEnum):
    """What a photo stands behind."""

    CLAIM = "claim"
    CASE = "case"
    POSTING = "posting"
    REPAIR = "repair"
    APPEAL = "appeal"
    PRIVATE = "private"


# Of another resident, these are for those who decide them and nobody else.
PRIVATE_USES = frozenset({PhotoUse.POSTING, PhotoUse.REPAIR, PhotoUse.APPEAL})


class Explained(BaseModel):
    """A sentence for whoever looks at it, in both languages."""

    explanation_zh: str
    explanation_en: str


class PhotoSignal(Explained):
    """A photo of the claim, or one that looks like it, stands behind something else as well.

    `differing_bits` are those of 64 in which the pictures differ; 0 for the very same photo. Where
    that is another resident's deduction, repair or appeal, it is not said whose and which.
    """

    kind: Literal[SignalKind.PHOTO_USED_TWICE, SignalKind.SIMILAR_PHOTO]
    photo_id: Id
    other_photo_id: Id
    differing_bits: int
    used_for: PhotoUse
    used_for_id: Id | None
    other_resident_id: Id | None
    is_of_another_resident: bool
    other_sent_at: datetime


class OverlapSignal(Explained):
    """The resident did something else at the time: another claim, or a check-in."""

    kind: Literal[SignalKind.OVERLAP]
    other_claim_id: Id | None
    contribution_id: Id | None
    begins_at: datetime
    ends_at: datetime | None


class DistanceSignal(Explained):
    """Two check-ins of a resident too far apart for the time between them."""

    kind: Literal[SignalKind.IMPOSSIBLE_DISTANCE]
    resident_id: Id
    earlier_contribution_id: Id
    later_contribution_id: Id
    earlier_at: datetime
    later_at: datetime
    distance_meters: int
    seconds: int


class PairSignal(Explained):
    """A reviewer saw more of a resident's claims than their part of all reviews explains.

    Of claims made since `since`; `chance` is that of as many, or more, by chance.
    """

    kind: Literal[SignalKind.UNUSUAL_PAIR]
    resident_id: Id
    reviewer_id: Id
    since: datetime
    reviewed_by_them: int
    reviewed_claims: int
    expected: float
    chance: float


class ConcentrationSignal(Explained):
    """Much of everybody's points since a day went to one resident."""

    kind: Literal[SignalKind.CONCENTRATION]
    resident_id: Id
    since: date
    points: int
    all_points: int
    active_residents: int
    share: float


Signal = Annotated[
    PhotoSignal | OverlapSignal | DistanceSignal | PairSignal | ConcentrationSignal,
    Field(discriminator="kind"),
]


class SignalOverview(BaseModel):
    """What is unusual in the whole community, each list at most a hundred long."""

    pairs: list[PairSignal]
    concentration: list[ConcentrationSignal]
    distances: list[DistanceSignal]
