"""SQL that reads cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import workflow
from app.core.coordinates import BoundingBox, Position
from app.core.database import Record


def _words(values: frozenset[Any]) -> str:
    return ", ".join(sorted(f"'{value}'" for value in values))


# A text counts for others once content security has passed it.
_COLUMNS = """
    cases.*, case_categories.code AS category_code, case_categories.name AS category_name,
    case_statuses.name AS status_name, case_statuses.kind AS status_kind,
    grids.name AS grid_name, buildings.name AS building_name,
    due_at < :now AS is_overdue, result.note AS result,
    coalesce(text_check.state = 'passed', false) AS is_text_shown,
    coalesce(result_check.state = 'passed', false) AS is_result_shown,
    (SELECT count(*) FROM case_joins AS joined WHERE joined.community_id = cases.community_id
        AND joined.case_id = cases.case_id) AS joined
"""

_TABLES = """
    FROM cases
        JOIN case_categories USING (community_id, category_id)
        JOIN case_statuses ON case_statuses.community_id = cases.community_id
            AND case_statuses.code = cases.status_code
        JOIN grids ON grids.community_id = cases.community_id AND grids.grid_id = cases.grid_id
        LEFT JOIN buildings ON buildings.community_id = cases.community_id
            AND buildings.building_id = cases.building_id
        LEFT JOIN case_events AS result ON result.community_id = cases.community_id
            AND result.case_event_id = cases.result_event_id
        LEFT JOIN content_checks AS text_check ON text_check.community_id = cases.community_id
            AND text_check.content_check_id = cases.case_id
        LEFT JOIN content_checks AS result_check ON result_check.community_id = cases.community_id
            AND result_check.content_check_id = cases.result_event_id
"""

_PUBLISHED = f"cases.state IN ({_words(workflow.PUBLISHED)})"
# As an index knows them; the database holds the two spellings together.
_OPEN = "cases.closed_at IS NULL"

_LIST_PUBLISHED = f"""
    SELECT {_COLUMNS} {_TABLES}
    WHERE cases.community_id = :community_id AND {_PUBLISHED} AND cases.case_id < :before
    ORDER BY cases.case_id DESC LIMIT :size
"""

_GET_PUBLISHED = f"""
    SELECT {_COLUMNS} {_TABLES}
    WHERE cases.community_id = :community_id AND {_PUBLISHED} AND cases.case_id = :case_id
"""

_LIST_OWN = f"""
    SELECT {_COLUMNS} {_TABLES}
    WHERE cases.community_id = :community_id AND reporter_id = :reporter_id
        AND cases.case_id < :before
    ORDER BY cases.case_id DESC LIMIT :size
"""

_STAFF_LISTS = {
    "open": _OPEN,
    "overdue": f"{_OPEN} AND due_at < :now",
    "mine": f"{_OPEN} AND assigned_to = :person_id",
    "closed": f"NOT ({_OPEN})",
}

_LIST_FOR_STAFF = f"""
    SELECT {_COLUMNS} {_TABLES}
    WHERE cases.community_id = :community_id AND cases.case_id < :before
        AND (CAST(:grid_ids AS bigint[]) IS NULL OR cases.grid_id = ANY(:grid_ids))
        AND {{chosen}}
    ORDER BY cases.case_id DESC LIMIT :size
"""

_GET_IN_FULL = f"""
    SELECT {_COLUMNS}, residents.masked_name AS reporter_masked_name,
        reported_by IS DISTINCT FROM residents.person_id AS is_reported_by_staff,
        (SELECT coalesce(sum(granted_points), 0)::bigint FROM contributions
            WHERE contributions.community_id = cases.community_id AND source_kind = 'case'
                AND source_id = cases.case_id AND contributions.resident_id = reporter_id
                AND NOT EXISTS (SELECT FROM contribution_reversals AS reversal
                    WHERE reversal.community_id = contributions.community_id
                        AND reversal.contribution_id = contributions.contribution_id)
        ) AS points_granted
    {_TABLES}
        JOIN residents ON residents.community_id = cases.community_id
            AND residents.resident_id = cases.reporter_id
    WHERE cases.community_id = :community_id AND cases.case_id = :case_id
        AND (CAST(:grid_ids AS bigint[]) IS NULL OR cases.grid_id = ANY(:grid_ids))
        AND (CAST(:reporter_id AS bigint) IS NULL OR reporter_id = :reporter_id)
"""  # noqa: S608

# To the nearest edge of the cell that blurring shows (core.coordinates), and within it in no
# order of distance: whoever asks from several places learns no more than the cell.
# The distance is haversine over a box that an index finds; R as in core.coordinates.
_LIST_NEARBY = f"""
    SELECT {_COLUMNS}, 2 * 6371008.8 * asin(sqrt(least(1,
            sin(radians(edge.latitude - :latitude) / 2) ^ 2
            + cos(radians(:latitude)) * cos(radians(edge.latitude))
                * sin(radians(edge.longitude - :longitude) / 2) ^ 2))) AS distance_meters
    {_TABLES}
        CROSS JOIN LATERAL (
            SELECT greatest(floor(cases.latitude * 1000) / 1000,
                    least(CAST(:latitude AS double precision),
                        (floor(cases.latitude * 1000) + 1) / 1000)) AS latitude,
                greatest(floor(cases.longitude * 1000) / 1000,
                    least(CAST(:longitude AS double precision),
                        (floor(cases.longitude * 1000) + 1) / 1000)) AS longitude) AS edge
    WHERE cases.community_id = :community_id AND {_OPEN} AND reported_at > :since
        AND (cases.category_id = :category_id OR case_categories.parent_id = :category_id)
        AND cases.latitude BETWEEN :min_latitude AND :max_latitude
        AND cases.longitude BETWEEN :min_longitude AND :max_longitude
    ORDER BY distance_meters, cases.case_id DESC LIMIT :size
"""

_LIST_PHOTOS = """
    SELECT case_photos.case_id, photo_id, purpose, served_key, content_checks.state,
        purpose = 'result' AND result_event_id IS NULL AS is_overtaken
    FROM case_photos
        JOIN cases USING (community_id, case_id)
        JOIN photos USING (community_id, photo_id)
        JOIN content_checks ON content_checks.community_id = case_photos.community_id
            AND content_check_id = photo_id
    WHERE case_photos.community_id = :community_id AND case_photos.case_id = ANY(:case_ids)
        AND served_key IS NOT NULL
    ORDER BY purpose, photo_id
"""

_LIST_EVENTS = """
    SELECT action, case_statuses.name AS status_name, note, created_at
    FROM case_events
        JOIN case_statuses ON case_statuses.community_id = case_events.community_id
            AND case_statuses.code = status_code
    WHERE case_events.community_id = :community_id AND case_id = :case_id
    ORDER BY case_event_id
"""

_LIST_FLAGS = """
    SELECT photo_id, other_photo_id, other_case_id, distance FROM case_flags
    WHERE community_id = :community_id AND case_id = :case_id
    ORDER BY distance, other_photo_id LIMIT 20
"""


async def _rows(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()


async def list_published(
    session: AsyncSession, community_id: int, *, before: int, size: int, now: datetime
) -> Sequence[Record]:
    """Return what everybody may see, newest first."""
    return await _rows(
        session, _LIST_PUBLISHED, community_id=community_id, before=before, size=size, now=now
    )


async def get_published(
    session: AsyncSession, community_id: int, case_id: int, *, now: datetime
) -> Record | None:
    found = await _rows(
        session, _GET_PUBLISHED, community_id=community_id, case_id=case_id, now=now
    )
    return found[0] if found else None


async def list_own(
    session: AsyncSession,
    community_id: int,
    reporter_id: int,
    *,
    before: int,
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return a resident's own reports, newest first."""
    return await _rows(
        session, _LIST_OWN,
        community_id=community_id, reporter_id=reporter_id, before=before, size=size, now=now,
    )  # fmt: skip


async def list_for_staff(
    session: AsyncSession,
    community_id: int,
    *,
    chosen: str,
    grid_ids: Sequence[int] | None,
    person_id: int,
    before: int,
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return the cases of these grids (None: of all), newest first."""
    return await _rows(
        session, _LIST_FOR_STAFF.format(chosen=_STAFF_LISTS[chosen]),
        community_id=community_id, grid_ids=grid_ids, person_id=person_id, before=before,
        size=size, now=now,
    )  # fmt: skip


async def get_in_full(
    session: AsyncSession,
    community_id: int,
    case_id: int,
    *,
    grid_ids: Sequence[int] | None = None,
    reporter_id: int | None = None,
    now: datetime,
) -> Record | None:
    """Return a case of these grids (None: of any), or of this reporter."""
    found = await _rows(
        session, _GET_IN_FULL,
        community_id=community_id, case_id=case_id, grid_ids=grid_ids, reporter_id=reporter_id,
        now=now,
    )  # fmt: skip
    return found[0] if found else None


async def list_nearby(
    session: AsyncSession,
    community_id: int,
    category_id: int,
    *,
    position: Position,
    box: BoundingBox,
    since: datetime,
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return open cases of a category (or below it) in a box, the nearest cells first."""
    return await _rows(
        session, _LIST_NEARBY,
        community_id=community_id, category_id=category_id, latitude=position.latitude,
        longitude=position.longitude, since=since, size=size, now=now, **box._asdict(),
    )  # fmt: skip


async def list_photos(
    session: AsyncSession, community_id: int, case_ids: Sequence[int]
) -> Sequence[Record]:
    """Return the photos of these cases that are still there, with the state of their checks.

    One of a result that the reporter has objected to is overtaken.
    """
    return await _rows(session, _LIST_PHOTOS, community_id=community_id, case_ids=list(case_ids))


async def list_events(session: AsyncSession, community_id: int, case_id: int) -> Sequence[Record]:
    return await _rows(session, _LIST_EVENTS, community_id=community_id, case_id=case_id)


async def list_flags(session: AsyncSession, community_id: int, case_id: int) -> Sequence[Record]:
    return await _rows(session, _LIST_FLAGS, community_id=community_id, case_id=case_id)
