"""SQL of cases: filing, moving on, joining in, and the ladder's steps."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases.models import (
    Case,
    CaseCategory,
    CaseJoin,
    CasePhoto,
    CaseSettings,
    CaseStatus,
)
from app.community.models import Building, Community, Grid, Resident, RoleGrant
from app.community.queries import GRID_AT
from app.core.access import Role
from app.core.database import Record

Rows = Sequence[dict[str, Any]]

# The worker of a grid with the fewest open cases; never the reporter.
_LEAST_BUSY_WORKER = f"""
    SELECT role_grants.person_id FROM role_grants
    WHERE role_grants.community_id = :community_id AND role = '{Role.GRID_WORKER}'
        AND role_grants.grid_id = {{grid_id}}
        AND role_grants.person_id IS DISTINCT FROM {{reporter}}
    ORDER BY (
        SELECT count(*) FROM cases
        WHERE cases.community_id = :community_id AND cases.grid_id = {{grid_id}}
            AND assigned_to = role_grants.person_id AND closed_at IS NULL), person_id
    LIMIT 1
"""  # noqa: S608 - a role of ours

# Everything a report is judged by, in one round trip; the photos cannot be deleted meanwhile.
_GET_REPORT_CONTEXT = text(f"""
    WITH reporter AS (
        SELECT person_id, buildings.grid_id FROM residents JOIN buildings USING (
            community_id, building_id)
        WHERE residents.community_id = :community_id AND resident_id = :resident_id
            AND state = 'active'),
    place AS (
        SELECT coalesce((
            {GRID_AT}), (
            SELECT grid_id FROM buildings
            WHERE community_id = :community_id AND building_id = :building_id)) AS grid_id)
    SELECT timezone, most_bounces, ladder, category_id, case_categories.name AS category_name,
        rule_codes, answer_hours, place.grid_id, grids.name AS grid_name,
        EXISTS (SELECT FROM reporter) AS is_resident,
        CAST(:building_id AS bigint) IS NULL OR EXISTS (SELECT FROM buildings
            WHERE buildings.community_id = :community_id
                AND building_id = :building_id) AS is_building_ours,
        (SELECT name FROM case_statuses WHERE case_statuses.community_id = :community_id
            AND case_statuses.code = 'reported') AS status_name,
        ({
    _LEAST_BUSY_WORKER.format(grid_id="place.grid_id", reporter="(SELECT person_id FROM reporter)")
}) AS worker_id,
        ARRAY(SELECT photo_id FROM photos
            WHERE photos.community_id = :community_id AND photo_id = ANY(:photo_ids)
                AND photos.person_id = :person_id AND deleted_at IS NULL
            FOR SHARE) AS photo_ids
    FROM communities
        LEFT JOIN case_settings USING (community_id)
        LEFT JOIN case_categories ON case_categories.community_id = communities.community_id
            AND case_categories.code = :category_code
        CROSS JOIN place
        LEFT JOIN grids ON grids.community_id = communities.community_id
            AND grids.grid_id = place.grid_id
    WHERE communities.community_id = :community_id
""")  # noqa: S608 - a fragment of this module

_FILE_CASE = text("""
    WITH filed AS (
        INSERT INTO cases (community_id, case_id, kind, category_id, state, status_code, grid_id,
            building_id, reporter_id, reported_by, assigned_to, description, address, latitude,
            longitude, reported_at, due_at, escalates_at)
        VALUES (:community_id, :case_id, 'hazard', :category_id, 'reported', 'reported', :grid_id,
            :building_id, :reporter_id, :reported_by, :assigned_to, :description, :address,
            :latitude, :longitude, :now, :due_at, :escalates_at)),
    photo AS (
        INSERT INTO case_photos (community_id, photo_id, case_id, purpose)
        SELECT :community_id, photo_id, :case_id, 'report'
        FROM unnest(CAST(:photo_ids AS bigint[])) AS photo_id)
    INSERT INTO case_events (community_id, case_event_id, case_id, action, state, status_code,
        person_id, details, created_at)
    VALUES (:community_id, :case_event_id, :case_id, 'report', 'reported', 'reported',
        :reported_by, '{}', :now)
""")

_ADD_RESULT_PHOTOS = """
    INSERT INTO case_photos (community_id, photo_id, case_id, purpose)
    SELECT :community_id, photo_id, :case_id, 'result' FROM photos
    WHERE community_id = :community_id AND photo_id = ANY(:photo_ids)
        AND person_id = :person_id AND deleted_at IS NULL
    FOR SHARE
    RETURNING photo_id
"""

_ADD_EVENTS = """
    INSERT INTO case_events (community_id, case_event_id, case_id, action, state, status_code,
        person_id, note, details, created_at)
    SELECT :community_id, case_event_id, case_id, action, state, status_code, person_id, note,
        details, :now
    FROM json_to_recordset(CAST(:events AS json)) AS row(
        case_event_id bigint, case_id bigint, action text, state text, status_code text,
        person_id bigint, note text, details jsonb)
"""

_LOCK_ESCALATING = """
    SELECT cases.case_id, cases.state, cases.status_code, cases.grid_id, cases.assigned_to,
        cases.due_at, cases.escalations, cases.description,
        coalesce(answered_at, reported_at) AS began_at, timezone, ladder, case_categories.name
    FROM cases
        JOIN communities USING (community_id)
        JOIN case_settings USING (community_id)
        JOIN case_categories USING (community_id, category_id)
    WHERE cases.community_id = :community_id AND escalates_at <= :now
    ORDER BY escalates_at LIMIT :size
    FOR NO KEY UPDATE OF cases SKIP LOCKED
"""

_TAKE_RUNGS = """
    UPDATE cases SET escalations = escalations + 1, escalates_at = row.escalates_at
    FROM json_to_recordset(CAST(:rungs AS json)) AS row(case_id bigint, escalates_at timestamptz)
    WHERE community_id = :community_id AND cases.case_id = row.case_id
"""

_CLOSE_UNANSWERED = """
    UPDATE cases SET state = 'confirmed', status_code = 'confirmed', closed_at = :now
    FROM case_categories, communities
    WHERE cases.community_id = :community_id AND case_id IN (
            SELECT silent.case_id FROM cases AS silent JOIN case_settings USING (community_id)
            WHERE silent.community_id = :community_id AND silent.state = 'resolved'
                AND silent.resolved_at
                    <= CAST(:now AS timestamptz) - confirm_days * interval '1 day'
            ORDER BY silent.case_id LIMIT :size
            FOR NO KEY UPDATE OF silent SKIP LOCKED)
        AND case_categories.community_id = cases.community_id
        AND case_categories.category_id = cases.category_id
        AND communities.community_id = cases.community_id
    RETURNING case_id, reporter_id, reported_by, reported_at, rule_codes, case_categories.name,
        timezone
"""

_ADD_FLAGS = """
    INSERT INTO case_flags (community_id, case_id, photo_id, other_photo_id, other_case_id,
        distance, created_at)
    SELECT :community_id, :case_id, row.photo_id, other_photo_id, other.case_id, distance, :now
    FROM json_to_recordset(CAST(:flags AS json)) AS row(
            photo_id bigint, other_photo_id bigint, distance smallint)
        LEFT JOIN case_photos AS other ON other.community_id = :community_id
            AND other.photo_id = row.other_photo_id
    ON CONFLICT DO NOTHING
"""

_LIST_STAFF = """
    SELECT grid_id, role, person_id FROM role_grants
    WHERE community_id = :community_id AND role IN ('grid_worker', 'committee')
        AND (grid_id IS NULL OR grid_id = ANY(:grid_ids))
"""

_LIST_PERSONS = """
    SELECT resident_id, person_id FROM residents
    WHERE community_id = :community_id AND resident_id = ANY(:resident_ids)
        AND person_id IS NOT NULL
"""


async def get_report_context(session: AsyncSession, values: dict[str, Any]) -> Record:
    """Return category, grid, worker, own photos and settings for a report."""
    return (await session.execute(_GET_REPORT_CONTEXT, values)).one()


async def file_case(session: AsyncSession, values: dict[str, Any]) -> None:
    """Write a case with its photos and the first line of its history."""
    await session.execute(_FILE_CASE, values)


async def lock_case(
    session: AsyncSession,
    community_id: int,
    case_id: int,
    *,
    grid_ids: Sequence[int] | None = None,
    reporter_id: int | None = None,
) -> Case | None:
    """Return a case of these grids (None: of any), or of this reporter, locked."""
    statement = select(Case).where(Case.community_id == community_id, Case.case_id == case_id)
    if grid_ids is not None:
        statement = statement.where(Case.grid_id.in_(grid_ids))
    if reporter_id is not None:
        statement = statement.where(Case.reporter_id == reporter_id)
    statement = statement.with_for_update(key_share=True)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def get_settings(session: AsyncSession, community_id: int) -> CaseSettings | None:
    return await session.get(CaseSettings, community_id)


async def get_frame(
    session: AsyncSession, community_id: int, category_id: int
) -> tuple[CaseCategory, CaseSettings, str] | None:
    """Return what cases of a category are handled by: it, the settings, the time zone."""
    statement = (
        select(CaseCategory, CaseSettings, Community.timezone)
        .join(CaseSettings, CaseSettings.community_id == CaseCategory.community_id)
        .join(Community, Community.community_id == CaseCategory.community_id)
        .where(CaseCategory.community_id == community_id, CaseCategory.category_id == category_id)
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


async def get_category(
    session: AsyncSession, community_id: int, category_id: int
) -> CaseCategory | None:
    return await session.get(CaseCategory, (community_id, category_id))


async def get_category_by_code(
    session: AsyncSession, community_id: int, code: str
) -> CaseCategory | None:
    statement = select(CaseCategory).where(
        CaseCategory.community_id == community_id, CaseCategory.code == code
    )
    return await session.scalar(statement)


async def list_categories(session: AsyncSession, community_id: int) -> Sequence[CaseCategory]:
    """Return the whole tree, parents before children, each in the order it was made."""
    statement = (
        select(CaseCategory)
        .where(CaseCategory.community_id == community_id)
        .order_by(CaseCategory.parent_id.nulls_first(), CaseCategory.category_id)
    )
    return (await session.scalars(statement)).all()


async def get_status(session: AsyncSession, community_id: int, code: str) -> CaseStatus | None:
    return await session.get(CaseStatus, (community_id, code))


async def least_busy_worker(
    session: AsyncSession, community_id: int, grid_id: int, *, reporter: int | None
) -> int | None:
    """Return the worker of a grid with the fewest open cases, or None if it has none."""
    statement = _LEAST_BUSY_WORKER.format(grid_id=":grid_id", reporter="CAST(:reporter AS bigint)")
    values = {"community_id": community_id, "grid_id": grid_id, "reporter": reporter}
    worker_id: int | None = await session.scalar(text(statement), values)
    return worker_id


async def lives_in(
    session: AsyncSession, community_id: int, resident_id: int, grid_ids: Sequence[int] | None
) -> bool:
    """Tell whether a resident lives in one of these grids (None: anywhere here)."""
    statement = select(Resident.resident_id).join(
        Building,
        (Building.community_id == Resident.community_id)
        & (Building.building_id == Resident.building_id),
    )
    statement = statement.where(
        Resident.community_id == community_id, Resident.resident_id == resident_id
    )
    if grid_ids is not None:
        statement = statement.where(Building.grid_id.in_(grid_ids))
    return await session.scalar(statement) is not None


async def grid_exists(session: AsyncSession, community_id: int, grid_id: int) -> bool:
    return await session.get(Grid, (community_id, grid_id)) is not None


async def add_result_photos(
    session: AsyncSession,
    community_id: int,
    case_id: int,
    photo_ids: Sequence[int],
    *,
    person_id: int,
) -> int:
    """Attach photos that this person has sent; return how many there were."""
    values = {"community_id": community_id, "case_id": case_id, "photo_ids": list(photo_ids),
        "person_id": person_id}  # fmt: skip
    return len((await session.execute(text(_ADD_RESULT_PHOTOS), values)).all())


async def add_events(
    session: AsyncSession, community_id: int, events: Rows, *, now: datetime
) -> None:
    """Write lines of history, one or many."""
    values = {"community_id": community_id, "events": json.dumps(events), "now": now}
    await session.execute(text(_ADD_EVENTS), values)


async def add_joins(
    session: AsyncSession, community_id: int, case_id: int, joins: Rows, *, now: datetime
) -> list[int]:
    """Add residents who have seen it too; return who was new."""
    if not joins:
        return []
    rows = [
        {"community_id": community_id, "case_id": case_id, "joined_at": now, **row} for row in joins
    ]
    statement = insert(CaseJoin).values(rows).on_conflict_do_nothing()
    return list((await session.scalars(statement.returning(CaseJoin.resident_id))).all())


async def list_joiners(session: AsyncSession, community_id: int, case_id: int) -> Sequence[Record]:
    statement = select(CaseJoin.resident_id, CaseJoin.joined_by, CaseJoin.joined_at).where(
        CaseJoin.community_id == community_id, CaseJoin.case_id == case_id
    )
    return (await session.execute(statement.order_by(CaseJoin.resident_id))).all()


async def list_staff(
    session: AsyncSession, community_id: int, grid_ids: Sequence[int]
) -> Sequence[Record]:
    """Return who works in these grids, and the committee."""
    values = {"community_id": community_id, "grid_ids": list(grid_ids)}
    return (await session.execute(text(_LIST_STAFF), values)).all()


async def is_staff(session: AsyncSession, community_id: int, person_id: int) -> bool:
    """Tell whether somebody handles cases here, in whichever grid."""
    statement = select(RoleGrant.person_id).where(
        RoleGrant.community_id == community_id,
        RoleGrant.person_id == person_id,
        RoleGrant.role.in_((Role.GRID_WORKER, Role.COMMITTEE)),
    )
    return await session.scalar(statement.limit(1)) is not None


async def list_persons(
    session: AsyncSession, community_id: int, resident_ids: Sequence[int]
) -> dict[int, int]:
    """Return resident → person for those residents who have a phone."""
    values = {"community_id": community_id, "resident_ids": list(resident_ids)}
    rows = (await session.execute(text(_LIST_PERSONS), values)).all()
    return {row.resident_id: row.person_id for row in rows}


async def lock_escalating(
    session: AsyncSession, community_id: int, *, size: int, now: datetime
) -> Sequence[Record]:
    """Return open cases whose next step of the ladder is due, locked."""
    values = {"community_id": community_id, "size": size, "now": now}
    return (await session.execute(text(_LOCK_ESCALATING), values)).all()


async def take_rungs(session: AsyncSession, community_id: int, rungs: Rows) -> None:
    """Count a step of the ladder for each case and set when the next is due."""
    values = {"community_id": community_id, "rungs": json.dumps(rungs)}
    await session.execute(text(_TAKE_RUNGS), values)


async def close_unanswered(
    session: AsyncSession, community_id: int, *, size: int, now: datetime
) -> Sequence[Record]:
    """Confirm what was solved and not objected to in time; return which, with their rules."""
    values = {"community_id": community_id, "size": size, "now": now}
    return (await session.execute(text(_CLOSE_UNANSWERED), values)).all()


async def communities_with_cases(session: AsyncSession) -> Sequence[int]:
    """Return the communities that handle cases."""
    statement = select(CaseSettings.community_id).order_by(CaseSettings.community_id)
    return (await session.scalars(statement)).all()


async def list_photo_ids(session: AsyncSession, community_id: int, case_id: int) -> list[int]:
    statement = select(CasePhoto.photo_id).where(
        CasePhoto.community_id == community_id, CasePhoto.case_id == case_id
    )
    return list((await session.scalars(statement)).all())


async def add_flags(
    session: AsyncSession, community_id: int, case_id: int, flags: Rows, *, now: datetime
) -> None:
    """Note photos that look like others, and which case those belong to."""
    values = {"community_id": community_id, "case_id": case_id, "flags": json.dumps(flags),
        "now": now}  # fmt: skip
    await session.execute(text(_ADD_FLAGS), values)


async def photo_in_use(session: AsyncSession, community_id: int, photo_id: int) -> bool:
    """Tell whether a photo belongs to a case."""
    return await session.get(CasePhoto, (community_id, photo_id)) is not None
