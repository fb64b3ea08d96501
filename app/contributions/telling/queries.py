"""SQL of whom to tell."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

# For a resident without a phone: who works in their grid, and the committee.
_LIST_REACHABLE = """
    SELECT coalesce(resident.person_id, staff.person_id) AS person_id, masked_name, staff.role
    FROM residents AS resident
        JOIN buildings USING (community_id, building_id)
        LEFT JOIN role_grants AS staff ON resident.person_id IS NULL
            AND staff.community_id = resident.community_id
            AND (staff.role = 'committee'
                OR (staff.role = 'grid_worker' AND staff.grid_id = buildings.grid_id))
    WHERE resident.community_id = :community_id AND resident_id = :resident_id
        AND state = 'active'
    ORDER BY 1
"""

_LIST_PERSONS = """
    SELECT resident_id, person_id FROM residents
    WHERE community_id = :community_id AND resident_id = ANY(:resident_ids)
        AND person_id IS NOT NULL AND state = 'active'
"""


async def list_persons(
    session: AsyncSession, community_id: int, resident_ids: Sequence[int]
) -> dict[int, int]:
    """Return the persons of residents, by resident; those without a phone are left out."""
    values = {"community_id": community_id, "resident_ids": list(resident_ids)}
    rows = (await session.execute(text(_LIST_PERSONS), values)).all()
    return {row.resident_id: row.person_id for row in rows}


async def list_reachable(
    session: AsyncSession, community_id: int, resident_id: int
) -> Sequence[Record]:
    """Return (person_id, masked_name, role): the resident, whose role is empty, or staff."""
    values = {"community_id": community_id, "resident_id": resident_id}
    rows = (await session.execute(text(_LIST_REACHABLE), values)).all()
    return [row for row in rows if row.person_id is not None]
