"""Work on cases that nobody waits for: the ladder, silent confirmations, similar photos."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cases import credit, queries
from app.cases.credit import Earning
from app.cases.deadlines import Told, next_rung_at, rungs_of
from app.cases.messages import overdue_notices
from app.cases.models import CaseState
from app.cases.workflow import Action
from app.core.database import Record
from app.core.ids import new_id
from app.media import queries as media
from app.notifications.service import Notice, notify
from app.rules.models import ArrivesOn

BATCH = 500
PHOTOS_COMPARED = timedelta(days=90)
NEARLY_EQUAL = 6  # of 64 bits

Sessions = async_sessionmaker[AsyncSession]


async def escalate_cases(sessions: Sessions, *, now: datetime) -> int:
    """Take every due step of the ladder, in batches; return how many were taken."""
    async with sessions() as session:
        communities = await queries.communities_with_cases(session)
    taken = 0
    for community_id in communities:
        batch = BATCH
        while batch == BATCH:
            async with sessions.begin() as session:
                batch = await escalate_batch(session, community_id, now=now)
            taken += batch
    return taken


async def escalate_batch(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """Take one step for each of up to 500 cases, in four statements; return how many."""
    due = await queries.lock_escalating(session, community_id, size=BATCH, now=now)
    if not due:
        return 0
    staff = await queries.list_staff(session, community_id, [row.grid_id for row in due])
    told = _told_by_grid(staff)
    rungs: list[dict[str, object]] = []
    events: list[dict[str, object]] = []
    notices: list[Notice] = []
    for case in due:
        ladder = rungs_of(case.ladder)
        following = next_rung_at(
            ladder, case.escalations + 1,
            began=case.began_at, due_at=case.due_at, timezone=case.timezone,
        )  # fmt: skip
        rungs.append({"case_id": case.case_id, "escalates_at": following and following.isoformat()})
        if case.escalations >= len(ladder):
            # The community's ladder has become shorter since.
            continue
        role = ladder[case.escalations].role
        events.append(_event(case, role, now))
        persons = _persons(case, role, told)
        notices += overdue_notices(case, persons, timezone=case.timezone, now=now)
    await queries.take_rungs(session, community_id, rungs)
    await queries.add_events(session, community_id, events, now=now)
    await notify(session, community_id, notices, now=now)
    return len(due)


def _told_by_grid(staff: Sequence[Record]) -> Mapping[tuple[Told, int | None], list[int]]:
    told: dict[tuple[Told, int | None], list[int]] = defaultdict(list)
    for row in staff:
        told[Told(row.role), row.grid_id].append(row.person_id)
    return told


def _persons(
    case: Record, role: Told, told: Mapping[tuple[Told, int | None], list[int]]
) -> list[int]:
    """Return who is told: who has the case and is still in office, else the grid's workers."""
    committee = told.get((Told.COMMITTEE, None), [])
    if role is Told.COMMITTEE:
        return committee
    workers = told.get((Told.GRID_WORKER, case.grid_id), [])
    return [case.assigned_to] if case.assigned_to in (*workers, *committee) else workers


def _event(case: Record, role: Told, now: datetime) -> dict[str, object]:
    return {
        "case_event_id": new_id(now),
        "case_id": case.case_id,
        "action": Action.ESCALATE,
        "state": case.state,
        "status_code": case.status_code,
        "person_id": None,
        "note": None,
        "details": {"told": role, "step": case.escalations + 1},
    }


async def close_unanswered(sessions: Sessions, *, now: datetime) -> int:
    """Confirm what was solved and not objected to in time, in batches; return how many."""
    async with sessions() as session:
        communities = await queries.communities_with_cases(session)
    closed = 0
    for community_id in communities:
        batch = BATCH
        while batch == BATCH:
            async with sessions.begin() as session:
                batch = await close_batch(session, community_id, now=now)
            closed += batch
    return closed


async def close_batch(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """Confirm up to 500 cases; silence earns what a confirmation does. Return how many."""
    cases = await queries.close_unanswered(session, community_id, size=BATCH, now=now)
    if not cases:
        return 0
    events: list[dict[str, object]] = [
        {
            "case_event_id": new_id(now),
            "case_id": case.case_id,
            "action": Action.CLOSE,
            "state": CaseState.CONFIRMED,
            "status_code": CaseState.CONFIRMED,
            "person_id": None,
            "note": None,
            "details": {},
        }
        for case in cases
    ]
    await queries.add_events(session, community_id, events, now=now)
    earnings: list[Earning] = []
    for case in cases:
        joiners = await queries.list_joiners(session, community_id, case.case_id)
        earning = Earning(
            case_id=case.case_id,
            rule_codes=case.rule_codes,
            arrives_on=ArrivesOn.CONFIRMED,
            reported_at=case.reported_at,
            recorded_by=case.reported_by,
            title=case.name,
            timezone=case.timezone,
            reporter_id=case.reporter_id,
            joiners=[(row.resident_id, row.joined_at) for row in joiners],
        )
        earnings.append(earning)
    await credit.give_all(session, community_id, earnings, timezone=cases[0].timezone, now=now)
    return len(cases)


async def compare_photos(
    sessions: Sessions, community_id: int, case_id: int, *, now: datetime
) -> int:
    """Flag photos of a case that look like earlier ones; return how many pairs there are."""
    async with sessions.begin() as session:
        photo_ids = await queries.list_photo_ids(session, community_id, case_id)
        similar = await media.list_similar(
            session, community_id, photo_ids,
            since=now - PHOTOS_COMPARED, most_distance=NEARLY_EQUAL,
        )  # fmt: skip
        rows = [
            {
                "photo_id": pair.photo_id,
                "other_photo_id": pair.other_photo_id,
                "distance": pair.distance,
            }
            for pair in similar
            if pair.other_photo_id not in photo_ids
        ]
        await queries.add_flags(session, community_id, case_id, rows, now=now)
    return len(rows)
