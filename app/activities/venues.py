"""What check-ins are judged by, remembered by this process.

A venue is an activity with the terms of its rule; the daily check-in has no activity. What lets a
check-in through is compared again when it is posted (the activity's version, the rule's); what
refuses one is never from memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.activities import queries
from app.activities.errors import (
    ActivityIsCancelled,
    ActivityNotFound,
    CheckInClosed,
    CheckInNotOpen,
    NoDailyCheckIn,
)
from app.activities.models import Activity, ActivityState
from app.community import service as community
from app.contributions.models import SourceKind
from app.contributions.service import Act
from app.core.calendar import day_in, local_time
from app.core.problems import Problem
from app.rules import service as rules
from app.rules.errors import RuleNotFound
from app.rules.evaluation import Terms
from app.rules.models import Mode

DAILY_RULE = "daily_check_in"
REMEMBERED = 1_000
Sessions = Callable[[], async_sessionmaker[AsyncSession]]


@dataclass(frozen=True, slots=True)
class Venue:
    """Where one checks in, and what for; `activity` is empty for the daily check-in."""

    community_id: int
    activity: Activity | None
    timezone: str
    terms: Terms

    @property
    def key(self) -> "VenueKey":
        return self.community_id, None if self.activity is None else self.activity.activity_id

    @property
    def grid_id(self) -> int | None:
        return None if self.activity is None else self.activity.grid_id

    @property
    def title(self) -> str:
        return self.terms.name if self.activity is None else self.activity.title

    def refusal(self, now: datetime) -> Problem | None:
        """Return why nobody can check in here now, or None."""
        activity = self.activity
        if activity is None:
            return None
        if activity.state == ActivityState.CANCELLED:
            return ActivityIsCancelled()
        if now < activity.check_in_opens_at:
            return CheckInNotOpen(opens_at=local_time(self.timezone, activity.check_in_opens_at))
        if now >= activity.check_in_closes_at:
            return CheckInClosed(closed_at=local_time(self.timezone, activity.check_in_closes_at))
        return None

    def act_of(self, resident_id: int, *, recorded_by: int, now: datetime) -> Act:
        """Return a check-in here as an act."""
        activity = self.activity
        if activity is None:
            return Act(
                source_kind=SourceKind.DAILY_CHECK_IN,
                source_id=self.terms.rule_id,
                resident_id=resident_id,
                occasion=day_in(self.timezone, now).isoformat(),
                units=1,
                acted_at=now,
                timezone=self.timezone,
                recorded_by=recorded_by,
                memo=self.terms.name,
                mode=Mode.ONLINE,
            )
        return Act(
            source_kind=SourceKind.ACTIVITY,
            source_id=activity.activity_id,
            resident_id=resident_id,
            occasion="",
            units=activity.units,
            acted_at=now,
            timezone=self.timezone,
            recorded_by=recorded_by,
            memo=activity.title,
            mode=Mode.OFFLINE,
            place=_place_of(activity),
        )


VenueKey = tuple[int, int | None]


def _place_of(activity: Activity) -> tuple[float, float] | None:
    if activity.longitude is None or activity.latitude is None:
        return None
    return activity.longitude, activity.latitude


class Venues:
    """The venues that this process knows, the latest `REMEMBERED` of them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: OrderedDict[VenueKey, Venue] = OrderedDict()
        self._looking_up: dict[VenueKey, asyncio.Lock] = {}

    async def find(self, community_id: int, activity_id: int | None, *, now: datetime) -> Venue:
        """Return where somebody can check in now.

        None is the daily check-in. Raises ActivityNotFound, ActivityIsCancelled, CheckInNotOpen,
        CheckInClosed, RuleNotFound and NoDailyCheckIn.
        """
        key = (community_id, activity_id)
        if (venue := self._recall(key, now)) is not None:
            return venue
        # When a crowd comes to a new activity, one looks it up and the others wait for that.
        lock = self._looking_up.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                return self._recall(key, now) or await self._look_up(key, now)
        finally:
            if not lock.locked():
                self._looking_up.pop(key, None)

    def _recall(self, key: VenueKey, now: datetime) -> Venue | None:
        venue = self._known.get(key)
        return venue if venue is not None and venue.refusal(now) is None else None

    async def _look_up(self, key: VenueKey, now: datetime) -> Venue:
        self.forget(key)
        async with self._sessions()() as session:
            venue = await _load(session, *key, now)
        if (refusal := venue.refusal(now)) is not None:
            raise refusal
        self._known[key] = venue
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return venue

    def forget(self, key: VenueKey) -> None:
        """Forget a venue that may have changed."""
        self._known.pop(key, None)


async def _load(
    session: AsyncSession, community_id: int, activity_id: int | None, now: datetime
) -> Venue:
    here = await community.get_community(session, community_id)
    if activity_id is None:
        try:
            terms = await rules.get_terms_by_code(session, community_id, DAILY_RULE, at=now)
        except RuleNotFound as missing:
            raise NoDailyCheckIn from missing
        return Venue(community_id, None, here.timezone, terms)
    activity = await queries.get_activity(session, community_id, activity_id)
    if activity is None:
        raise ActivityNotFound
    terms = await rules.get_terms(session, community_id, activity.rule_id, at=now)
    return Venue(community_id, activity, here.timezone, terms)
