"""Checking in, all ways round: each ends in one contribution and one answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import policies, queries
from app.activities.codes import ACTIVITY_KINDS
from app.activities.errors import (
    ActivityIsCancelled,
    ActivityNotFound,
    CheckInClosed,
    CheckInNotOpen,
    NoDailyCheckIn,
    NotYourActivity,
)
from app.activities.models import Activity, ActivityState
from app.activities.schemas import CheckInRead, RankChange
from app.community import queries as community_queries
from app.community import service as community
from app.community.cards.service import RESIDENT_KINDS, find_scanned_resident
from app.community.errors import ResidentNotFound
from app.contributions import queries as contributions
from app.contributions.models import SourceKind
from app.contributions.posting import Verdict
from app.contributions.service import Act, Outcome, award_one, evaluate_one
from app.core.access import Actor, Permission
from app.core.calendar import Period, day_in, local_time
from app.core.code_errors import CodeRevoked
from app.core.codes import Code
from app.core.signing import KeyRing
from app.ledger import service as ledger
from app.rules import service as rules
from app.rules.errors import RuleNotFound
from app.rules.evaluation import Terms
from app.rules.models import Mode
from app.standings import queries as standings
from app.standings.service import board_key

DAILY_RULE = "daily_check_in"
RANKED_PERIOD = Period.ALL


@dataclass(frozen=True, slots=True)
class _Judged:
    """An act with the terms it is judged by."""

    act: Act
    terms: Terms
    timezone: str


async def check_in_by_scan(
    session: AsyncSession, actor: Actor, scanned: str, *, keys: KeyRing, now: datetime
) -> CheckInRead:
    """The resident scanned the activity's code."""
    code = keys.codes.read_scanned(
        scanned, kinds=ACTIVITY_KINDS, community_id=actor.community, now=now
    )
    activity, timezone = await _get_open_activity(session, actor, code.subject_id, code, now)
    return await _check_in(session, actor, activity, actor.resident, timezone, now)


async def check_in_scanned_resident(
    session: AsyncSession,
    actor: Actor,
    activity_id: int,
    scanned: str,
    *,
    keys: KeyRing,
    now: datetime,
) -> CheckInRead:
    """The worker scanned the resident's code, on a phone or on a paper card."""
    code = keys.codes.read_scanned(
        scanned, kinds=RESIDENT_KINDS, community_id=actor.community, now=now
    )
    activity, timezone = await _get_open_activity(session, actor, activity_id, code, now)
    if not policies.may_run(actor, Permission.ACTIVITIES_SCAN, activity.grid_id):
        raise NotYourActivity
    resident_id = await find_scanned_resident(session, code, now=now)
    return await _check_in(session, actor, activity, resident_id, timezone, now)


async def check_in_for_the_day(
    session: AsyncSession, actor: Actor, *, now: datetime
) -> CheckInRead:
    """Check in once a day, by the community's calendar."""
    here = await community.get_community(session, actor.community)
    today = day_in(here.timezone, now)
    try:
        terms = await rules.get_terms_by_code(session, actor.community, DAILY_RULE, at=now)
    except RuleNotFound as missing:
        raise NoDailyCheckIn from missing
    act = Act(
        source_kind=SourceKind.DAILY_CHECK_IN,
        source_id=terms.rule_id,
        resident_id=actor.resident,
        occasion=today.isoformat(),
        units=1,
        acted_at=now,
        timezone=here.timezone,
        recorded_by=actor.person_id,
        memo=terms.name,
        mode=Mode.ONLINE,
    )
    return await _award(session, actor, _Judged(act, terms, here.timezone), terms.name, now)


async def _get_open_activity(
    session: AsyncSession, actor: Actor, activity_id: int, code: Code, now: datetime
) -> tuple[Activity, str]:
    """Return the activity and its time zone, if one can check in to it now."""
    found = await queries.get_scanned_activity(session, actor.community, activity_id, code)
    if found is None:
        raise ActivityNotFound
    activity: Activity = found.Activity
    if found.is_revoked:
        raise CodeRevoked
    if activity.state == ActivityState.CANCELLED:
        raise ActivityIsCancelled
    if now < activity.check_in_opens_at:
        raise CheckInNotOpen(opens_at=local_time(found.timezone, activity.check_in_opens_at))
    if now >= activity.check_in_closes_at:
        raise CheckInClosed(closed_at=local_time(found.timezone, activity.check_in_closes_at))
    return activity, found.timezone


async def _check_in(
    session: AsyncSession,
    actor: Actor,
    activity: Activity,
    resident_id: int,
    timezone: str,
    now: datetime,
) -> CheckInRead:
    terms = await rules.get_terms(session, actor.community, activity.rule_id, at=now)
    act = Act(
        source_kind=SourceKind.ACTIVITY,
        source_id=activity.activity_id,
        resident_id=resident_id,
        occasion="",
        units=activity.units,
        acted_at=now,
        timezone=timezone,
        mode=Mode.OFFLINE,
        place=_place_of(activity),
        recorded_by=actor.person_id,
        memo=activity.title,
    )
    return await _award(session, actor, _Judged(act, terms, timezone), activity.title, now)


def _place_of(activity: Activity) -> tuple[float, float] | None:
    if activity.longitude is None or activity.latitude is None:
        return None
    return activity.longitude, activity.latitude


async def _award(
    session: AsyncSession, actor: Actor, judged: _Judged, title: str, now: datetime
) -> CheckInRead:
    bonuses = await rules.list_bonuses(session, actor.community, at=judged.act.acted_at)
    item = await evaluate_one(session, actor.community, judged.act, judged.terms, bonuses, now=now)
    outcome = await award_one(session, actor.community, item, timezone=judged.timezone, now=now)
    return await _describe(session, actor, outcome, judged, title, now)


async def _describe(
    session: AsyncSession,
    actor: Actor,
    outcome: Outcome,
    judged: _Judged,
    title: str,
    now: datetime,
) -> CheckInRead:
    decision, resident_id = outcome.decision, judged.act.resident_id
    resident = await community_queries.get_resident_row(session, actor.community, resident_id)
    if resident is None or decision.recorded is None:
        raise ResidentNotFound
    gained_now = decision.granted_points if decision.is_new else 0
    board = board_key(actor.community, judged.timezone, RANKED_PERIOD, now)
    place = await standings.get_place(session, board, resident_id, gained=gained_now)
    posted = outcome.posted
    if posted is None:
        balance = await ledger.get_balance(session, actor.community, resident_id, now=now)
        posted = balance.posted_points
    return CheckInRead(
        contribution_id=decision.recorded.contribution_id,
        resident_id=resident_id,
        masked_name=resident.masked_name,
        title=title,
        is_new=decision.is_new,
        points_gained=decision.granted_points,
        is_capped=decision.verdict is Verdict.CAPPED,
        balance_points=posted,
        rank=RankChange(
            period=RANKED_PERIOD,
            rank=place.rank,
            places_gained=place.rank_before - place.rank,
        ),
    )


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
