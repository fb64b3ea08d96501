"""Reporting a case, and saying "me too"."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import credit, policies, queries
from app.cases.credit import Earning
from app.cases.deadlines import due_after, next_rung_at, rungs_of
from app.cases.errors import (
    CaseMovedOn,
    CaseNotFound,
    CasePhotoNotFound,
    CategoryNotFound,
    NoGridHere,
    OwnCaseJoined,
    PlaceMissing,
    ResidentUnnamed,
)
from app.cases.messages import tell_of_new_case
from app.cases.models import CaseState
from app.cases.schemas import (
    CaseCreate,
    CaseCreateForResident,
    CaseFiled,
    CaseJoined,
)
from app.cases.workflow import OPEN, PUBLISHED
from app.community import service as community
from app.community.cards.service import RESIDENT_KINDS, find_scanned_resident
from app.community.errors import ResidentNotFound
from app.contributions.posting import Verdict
from app.core.access import Actor, Permission
from app.core.coordinates import Position
from app.core.database import Record
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.places import position_of
from app.core.signing import KeyRing
from app.identity.consents.service import require_consent
from app.identity.models import Purpose
from app.media.service import attach_check_text
from app.rules.models import ArrivesOn


@dataclass(frozen=True, slots=True)
class Reporter:
    """The resident whom a case comes from, and whether a worker types it for them."""

    resident_id: int
    is_in_person: bool


async def report_case(
    session: AsyncSession, actor: Actor, reporter: Reporter, body: CaseCreate, *, now: datetime
) -> CaseFiled:
    """Take a case in: find its grid and worker, set its deadline, give what arrives at once."""
    position = await _check_place(session, actor, reporter, body)
    context = await _judge(session, actor, reporter, body, position)
    case_id, event_id = new_id(now), new_id(now)
    due_at = due_after(now, context.answer_hours, timezone=context.timezone)
    await queries.file_case(
        session,
        {
            "community_id": actor.community,
            "case_id": case_id,
            "case_event_id": event_id,
            "category_id": context.category_id,
            "grid_id": context.grid_id,
            "building_id": body.building_id,
            "reporter_id": reporter.resident_id,
            "reported_by": actor.person_id,
            "assigned_to": context.worker_id,
            "description": body.description,
            "address": body.address,
            "latitude": None if position is None else position.latitude,
            "longitude": None if position is None else position.longitude,
            "photo_ids": body.photo_ids,
            "due_at": due_at,
            "escalates_at": next_rung_at(
                rungs_of(context.ladder), 0, began=now, due_at=due_at, timezone=context.timezone
            ),
            "now": now,
        },
    )
    await _have_looked_at(session, actor, case_id, body, now)
    await tell_of_new_case(session, actor.community, case_id, context, body.address, now=now)
    earning = Earning(
        case_id=case_id,
        rule_codes=context.rule_codes,
        arrives_on=ArrivesOn.REPORTED,
        reported_at=now,
        recorded_by=actor.person_id,
        title=context.category_name,
        timezone=context.timezone,
        reporter_id=reporter.resident_id,
    )
    outcomes = await credit.give(session, actor.community, earning, now=now)
    return CaseFiled(
        case_id=case_id,
        state=CaseState.REPORTED,
        status_name=context.status_name,
        grid_name=context.grid_name,
        due_at=due_at,
        points_gained=credit.total(outcomes),
        is_capped=any(outcome.decision.verdict is Verdict.CAPPED for outcome in outcomes),
        balance_points=outcomes[-1].posted if outcomes else None,
    )


async def _check_place(
    session: AsyncSession, actor: Actor, reporter: Reporter, body: CaseCreate
) -> Position | None:
    """Return where it is, if the caller may and does say so by coordinates."""
    if body.position is None and body.building_id is None:
        raise PlaceMissing
    if reporter.is_in_person:
        place = () if body.position is None else (Purpose.LOCATION,)
        await require_consent(session, actor.community, actor.person_id, Purpose.SERVICE, *place)
    return None if body.position is None else position_of(body.position)


async def _judge(
    session: AsyncSession,
    actor: Actor,
    reporter: Reporter,
    body: CaseCreate,
    position: Position | None,
) -> Record:
    context = await queries.get_report_context(
        session,
        {
            "community_id": actor.community,
            "resident_id": reporter.resident_id,
            "person_id": actor.person_id,
            "category_code": body.category_code,
            "building_id": body.building_id,
            "latitude": None if position is None else position.latitude,
            "longitude": None if position is None else position.longitude,
            "photo_ids": body.photo_ids,
        },
    )
    if not context.is_resident:
        raise ResidentNotFound
    if context.category_id is None:
        raise CategoryNotFound
    if context.grid_id is None or not context.is_building_ours:
        raise NoGridHere
    if set(context.photo_ids) != set(body.photo_ids):
        raise CasePhotoNotFound
    return context


async def _have_looked_at(
    session: AsyncSession, actor: Actor, case_id: int, body: CaseCreate, now: datetime
) -> None:
    """Have the text checked, and the photos compared with earlier ones."""
    key = f"{actor.community}:{case_id}"
    await attach_check_text(
        session,
        actor.community,
        subject_id=case_id,
        person_id=actor.person_id,
        text=f"{body.description}\n{body.address}".strip(),
        also=[Job("compare_photos", f"compare_photos:{key}", key.encode())],
        now=now,
    )


async def named_resident(
    session: AsyncSession,
    actor: Actor,
    body: CaseCreateForResident,
    *,
    keys: KeyRing,
    now: datetime,
) -> int:
    """Return for whom a worker reports; a number must be of a resident of the worker's grids."""
    if (body.resident_id is None) == (body.resident_code is None):
        raise ResidentUnnamed
    if body.resident_code is not None:
        code = keys.codes.read_scanned(
            body.resident_code, kinds=RESIDENT_KINDS, community_id=actor.community, now=now
        )
        return await find_scanned_resident(session, code, now=now)
    resident_id = body.resident_id or 0
    grids = policies.grids_of(actor, Permission.CASES_HANDLE)
    if not await queries.lives_in(session, actor.community, resident_id, grids):
        raise ResidentNotFound
    return resident_id


async def join_case(
    session: AsyncSession, actor: Actor, case_id: int, *, now: datetime
) -> CaseJoined:
    """Say "me too" to an open case, once; points come by the rules' own steps."""
    case = await queries.lock_case(session, actor.community, case_id)
    if case is None or case.state not in PUBLISHED:
        raise CaseNotFound
    if case.state not in OPEN:
        status = await queries.get_status(session, actor.community, case.status_code)
        name = case.state if status is None else status.name
        raise CaseMovedOn(state=case.state, stands_at=name)
    if case.reporter_id == actor.resident:
        raise OwnCaseJoined
    row = {"resident_id": actor.resident, "joined_by": actor.person_id}
    new = await queries.add_joins(session, actor.community, case_id, [row], now=now)
    gained = 0
    if new:
        here = await community.get_community(session, actor.community)
        gained = await credit.welcome(
            session, case, new, by=actor.person_id, timezone=here.timezone, now=now
        )
    joiners = await queries.list_joiners(session, actor.community, case_id)
    return CaseJoined(case_id=case_id, joined=len(joiners), is_new=bool(new), points_gained=gained)
