"""Checking in, all ways round: each ends in one contribution and one answer.

A desk lets a check-in through by what this process remembers, and hands it to the posting lane;
no transaction is open meanwhile.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.activities import policies
from app.activities.codes import ACTIVITY_KINDS
from app.activities.errors import NotYourActivity
from app.activities.posting import CheckIn, Outdated, post_check_ins
from app.activities.schemas import CheckInRead
from app.activities.venues import DAILY_RULE, Venue, Venues
from app.community.cards.service import RESIDENT_KINDS, find_scanned_resident
from app.contributions import queries as contributions
from app.contributions.errors import RuleChanged
from app.contributions.models import SourceKind
from app.core.access import Actor, Permission
from app.core.calendar import day_in
from app.core.callers import Caller, find_caller
from app.core.codes import Code, CodeKind
from app.core.lane import Lane
from app.core.metrics import LaneMetrics
from app.core.signing import KeyRing

LANE = "check_ins"
ROUNDS = 4


class CheckInDesk:
    """Takes the check-ins of this process; `state` is the application's."""

    def __init__(self, state: Any, metrics: LaneMetrics) -> None:
        self._state = state
        self._venues = Venues(self._sessions)
        self.lane: Lane[CheckIn, CheckInRead] = Lane(
            self._sessions, post_check_ins, metrics.of(LANE)
        )

    async def check_in_by_scan(self, caller: Caller, scanned: str, *, now: datetime) -> CheckInRead:
        """The resident scanned the activity's code."""

        async def let_through(caller: Caller) -> CheckIn:
            code = self._read(scanned, ACTIVITY_KINDS, caller, now)
            venue = await self._find_venue(caller, code.subject_id, now)
            return _check_in(caller, venue, caller.actor.resident, code, now)

        return await self._post(caller, Permission.ACTIVITIES_CHECK_IN, let_through)

    async def check_in_scanned_resident(
        self, caller: Caller, activity_id: int, scanned: str, *, now: datetime
    ) -> CheckInRead:
        """The worker scanned the resident's code, on a phone or on a paper card."""

        async def let_through(caller: Caller) -> CheckIn:
            code = self._read(scanned, RESIDENT_KINDS, caller, now)
            venue = await self._find_venue(caller, activity_id, now)
            caller = await self._let_run(caller, venue)
            resident_id = await self._find_resident(code, now)
            return _check_in(caller, venue, resident_id, code, now)

        return await self._post(caller, Permission.ACTIVITIES_SCAN, let_through)

    async def check_in_for_the_day(self, caller: Caller, *, now: datetime) -> CheckInRead:
        """Check in once a day, by the community's calendar."""

        async def let_through(caller: Caller) -> CheckIn:
            venue = await self._find_venue(caller, None, now)
            return _check_in(caller, venue, caller.actor.resident, None, now)

        return await self._post(caller, Permission.ACTIVITIES_CHECK_IN, let_through)

    async def _post(
        self,
        caller: Caller,
        permission: Permission,
        let_through: Callable[[Caller], Awaitable[CheckIn]],
    ) -> CheckInRead:
        """Judge and post; once more by what holds now where something remembered did not."""
        for _ in range(ROUNDS):
            check_in = await let_through(caller)
            try:
                return await self.lane.submit(caller.actor.community, check_in)
            except Outdated:
                self._venues.forget(check_in.venue.key)
                caller = await self._find_anew(caller, permission)
        raise RuleChanged

    async def _let_run(self, caller: Caller, venue: Venue) -> Caller:
        """Return a caller who helps to run this activity; who may not is asked about again."""
        asked, grid_id = Permission.ACTIVITIES_SCAN, venue.grid_id
        if not policies.may_run(caller.actor, asked, grid_id):
            caller = await self._find_anew(caller, asked)
        if not policies.may_run(caller.actor, asked, grid_id):
            raise NotYourActivity
        return caller

    async def _find_anew(self, caller: Caller, permission: Permission) -> Caller:
        self._state.callers.forget(caller.claims)
        return await find_caller(self._state, caller.claims, permission)

    def _read(
        self, scanned: str, kinds: Collection[CodeKind], caller: Caller, now: datetime
    ) -> Code:
        keys: KeyRing = self._state.keys
        community_id = caller.actor.community
        return keys.codes.read_scanned(scanned, kinds=kinds, community_id=community_id, now=now)

    async def _find_venue(self, caller: Caller, activity_id: int | None, now: datetime) -> Venue:
        return await self._venues.find(caller.actor.community, activity_id, now=now)

    async def _find_resident(self, code: Code, now: datetime) -> int:
        if code.kind is CodeKind.RESIDENT:
            return code.subject_id
        async with self._sessions()() as session:
            return await find_scanned_resident(session, code, now=now)

    def _sessions(self) -> async_sessionmaker[AsyncSession]:
        sessionmaker: async_sessionmaker[AsyncSession] = self._state.sessionmaker
        return sessionmaker


def _check_in(
    caller: Caller, venue: Venue, resident_id: int, code: Code | None, now: datetime
) -> CheckIn:
    act = venue.act_of(resident_id, recorded_by=caller.actor.person_id, now=now)
    return CheckIn(caller, venue, act, code)


async def has_checked_in_today(
    session: AsyncSession, actor: Actor, *, timezone: str, now: datetime
) -> bool:
    """Tell whether the caller's daily check-in is done."""
    return await contributions.is_recorded_for_rule(
        session,
        actor.community,
        rule_code=DAILY_RULE,
        source_kind=SourceKind.DAILY_CHECK_IN,
        resident_id=actor.resident,
        occasion=day_in(timezone, now).isoformat(),
    )
