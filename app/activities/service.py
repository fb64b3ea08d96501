"""Announcing and cancelling activities."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import policies, queries
from app.activities.errors import ActivityNotFound, ActivityTimesWrong, NotYourActivity
from app.activities.models import Activity, ActivityState
from app.activities.schemas import ActivityCreate, ActivityRead
from app.core.access import Actor, Permission
from app.core.ids import new_id
from app.core.pagination import CursorUnreadable, Page, page_of, read_cursor
from app.core.places import position_of
from app.rules import service as rules
from app.rules.errors import EffortMissing, OtherMode, RuleOfOtherDirection, TooManyUnits
from app.rules.models import Mode

OPENS_BEFORE = timedelta(minutes=30)
LONGEST = timedelta(days=7)


async def create_activity(
    session: AsyncSession, actor: Actor, body: ActivityCreate, *, now: datetime
) -> Activity:
    """Announce an activity whose check-ins earn under a rule in force today."""
    if not policies.may_run(actor, Permission.ACTIVITIES_MANAGE, body.grid_id):
        raise NotYourActivity
    # Whole seconds, as codes and cursors carry them.
    starts_at, ends_at = body.starts_at.replace(microsecond=0), body.ends_at.replace(microsecond=0)
    opens_at = (body.check_in_opens_at or starts_at - OPENS_BEFORE).replace(microsecond=0)
    closes_at = (body.check_in_closes_at or ends_at).replace(microsecond=0)
    lasts = ends_at - starts_at
    is_ordered = opens_at <= starts_at and opens_at < closes_at and closes_at > now
    if not timedelta(0) < lasts <= LONGEST or not is_ordered or closes_at - opens_at > LONGEST:
        raise ActivityTimesWrong
    terms = await rules.get_terms_by_code(session, actor.community, body.rule_code, at=now)
    if not terms.is_earning:
        raise RuleOfOtherDirection
    if body.units > terms.max_units:
        raise TooManyUnits(max_units=terms.max_units)
    # What nobody could ever check in under is refused to who announces it, not to who comes.
    if terms.mode is Mode.ONLINE:
        raise OtherMode
    if terms.points_by_effort is not None:
        raise EffortMissing
    position = None if body.place is None else position_of(body.place)
    activity = Activity(
        community_id=actor.community,
        activity_id=new_id(now),
        version=1,
        title=body.title,
        location=body.location,
        longitude=None if position is None else position.longitude,
        latitude=None if position is None else position.latitude,
        rule_id=terms.rule_id,
        units=body.units,
        grid_id=body.grid_id,
        starts_at=starts_at,
        ends_at=ends_at,
        check_in_opens_at=opens_at,
        check_in_closes_at=closes_at,
        state=ActivityState.SCHEDULED,
        created_by=actor.person_id,
        created_at=now,
    )
    session.add(activity)
    await session.flush()
    return activity


async def get_activity(session: AsyncSession, actor: Actor, activity_id: int) -> Activity:
    """Return an activity of the caller's community; raises ActivityNotFound."""
    activity = await queries.get_activity(session, actor.community, activity_id)
    if activity is None:
        raise ActivityNotFound
    return activity


async def get_run_activity(session: AsyncSession, actor: Actor, activity_id: int) -> Activity:
    """Return an activity that the caller helps to run."""
    activity = await get_activity(session, actor, activity_id)
    if not policies.may_run(actor, Permission.ACTIVITIES_SCAN, activity.grid_id):
        raise NotYourActivity
    return activity


async def list_activities(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int, now: datetime
) -> Page[ActivityRead]:
    """Return what is on or coming."""
    after = _read_place(cursor, now)
    rows = await queries.list_activities(session, actor.community, after=after, size=size + 1)
    return page_of(
        ActivityRead, rows, size, lambda row: (int(row.ends_at.timestamp()), row.activity_id)
    )


def _read_place(cursor: str | None, now: datetime) -> tuple[datetime, int]:
    """Return after which end and number a page begins."""
    seconds, activity_id = read_cursor(cursor, 2) or (int(now.timestamp()), 0)
    try:
        return datetime.fromtimestamp(seconds, UTC), activity_id
    except (ValueError, OverflowError, OSError) as no_time:
        raise CursorUnreadable from no_time


async def cancel_activity(session: AsyncSession, actor: Actor, activity_id: int) -> Activity:
    """Call an activity off: nobody can check in any more, what was earned stays."""
    activity = await queries.lock_activity(session, actor.community, activity_id)
    if activity is None:
        raise ActivityNotFound
    if not policies.may_run(actor, Permission.ACTIVITIES_MANAGE, activity.grid_id):
        raise NotYourActivity
    if activity.state != ActivityState.CANCELLED:
        activity.state = ActivityState.CANCELLED
        activity.version += 1
        await session.flush()
    return activity
