"""SQL of communities, memberships and joining."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import policies
from app.community.models import (
    Building,
    Community,
    Grid,
    Household,
    JoinRequest,
    JoinState,
    Resident,
    ResidentState,
)
from app.core.access import Actor, Permission
from app.core.database import Record

LIVES_IN_BUILDING = and_(
    Building.community_id == Resident.community_id, Building.building_id == Resident.building_id
)
LIVES_IN_HOUSEHOLD = and_(
    Household.community_id == Resident.community_id,
    Household.household_id == Resident.household_id,
)
ASKS_FOR_BUILDING = and_(
    Building.community_id == JoinRequest.community_id,
    Building.building_id == JoinRequest.building_id,
)


def who_stands(*, session: str, person: str, community: str) -> str:
    """Return the fragment: a standing session's resident number and grants there, or no row."""
    return f"""
    SELECT resident_id, (
        SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)
            ORDER BY role, grid_id, shop_id) FROM role_grants
        WHERE role_grants.community_id = login_sessions.community_id
            AND role_grants.person_id = login_sessions.person_id) AS grants
    FROM login_sessions
        LEFT JOIN residents ON residents.community_id = login_sessions.community_id
            AND residents.person_id = login_sessions.person_id AND residents.state = 'active'
    WHERE session_id = {session} AND login_sessions.person_id = {person}
        AND login_sessions.community_id IS NOT DISTINCT FROM {community}
        AND revoked_at IS NULL
"""  # noqa: S608 - column names of ours


# One round trip tells whether the session stands and what its person is in the community.
# Sent by nearly every request, so it is parsed once.
_LOAD_ACTOR = text(
    who_stands(
        session=":session_id", person=":person_id", community="CAST(:community_id AS bigint)"
    )
)
_GET_RESIDENT = text("""
    SELECT residents.community_id, resident_id, sealed_name, masked_name, sealed_phone, audience,
        joined_at, buildings.name AS building_name, grid_id, room,
        communities.name AS community_name, timezone
    FROM residents
        JOIN communities USING (community_id)
        JOIN buildings USING (community_id, building_id)
        JOIN households USING (community_id, household_id)
    WHERE residents.community_id = :community_id AND resident_id = :resident_id
        AND state = 'active'
""")

_LIST_MEMBERSHIPS = """
    SELECT community_id, name AS community_name, max(resident_id) AS resident_id,
        array_agg(DISTINCT role ORDER BY role) AS roles
    FROM (
        SELECT community_id, resident_id, 'resident' AS role FROM residents
        WHERE person_id = :person_id AND state = 'active'
        UNION ALL
        SELECT community_id, NULL, role FROM role_grants WHERE person_id = :person_id) AS held
        JOIN communities USING (community_id)
    GROUP BY community_id, name
    ORDER BY community_id
"""


# The stored ring is PostgreSQL's polygon but for the brackets.
# A fragment for larger statements; NULL for no place.
GRID_AT = """
    SELECT min(grid_id) FROM grids
    WHERE community_id = :community_id
        AND CAST(translate(CAST(boundary AS text), '[]', '()') AS polygon)
            @> point(CAST(:longitude AS float8), CAST(:latitude AS float8))
"""


async def load_actor_row(
    session: AsyncSession, *, session_id: int, person_id: int, community_id: int | None
) -> Record | None:
    """Return the resident number and grants of a standing session, or None."""
    values = {"session_id": session_id, "person_id": person_id, "community_id": community_id}
    return (await session.execute(_LOAD_ACTOR, values)).one_or_none()


async def list_membership_rows(session: AsyncSession, person_id: int) -> Sequence[Record]:
    """Return every community a person belongs to, with their roles there."""
    return (await session.execute(text(_LIST_MEMBERSHIPS), {"person_id": person_id})).all()


async def get_community(session: AsyncSession, community_id: int) -> Community | None:
    return await session.get(Community, community_id)


async def list_communities(session: AsyncSession) -> Sequence[Community]:
    return (await session.scalars(select(Community).order_by(Community.community_id))).all()


async def count_residents(session: AsyncSession, community_id: int) -> int:
    statement = select(func.count()).where(
        Resident.community_id == community_id, Resident.state == ResidentState.ACTIVE
    )
    return await session.scalar(statement) or 0


async def list_buildings(session: AsyncSession, community_id: int) -> Sequence[Record]:
    """Return buildings with the names of their grids."""
    statement = (
        select(Building.building_id, Building.name, Grid.name.label("grid_name"))
        .join(
            Grid,
            (Grid.community_id == Building.community_id) & (Grid.grid_id == Building.grid_id),
        )
        .where(Building.community_id == community_id)
        .order_by(Building.building_id)
    )
    return (await session.execute(statement)).all()


async def list_grids(session: AsyncSession, community_id: int) -> Sequence[Record]:
    statement = (
        select(Grid.grid_id, Grid.name)
        .where(Grid.community_id == community_id)
        .order_by(Grid.grid_id)
    )
    return (await session.execute(statement)).all()


async def set_boundary(
    session: AsyncSession, community_id: int, grid_id: int, ring: Sequence[tuple[float, float]]
) -> Record | None:
    """Store a closed ring of (longitude, latitude) in WGS-84; None without such a grid."""
    statement = (
        update(Grid)
        .where(Grid.community_id == community_id, Grid.grid_id == grid_id)
        .values(boundary=ring)
        .returning(Grid.grid_id, Grid.name)
    )
    return (await session.execute(statement)).one_or_none()


async def grid_at(
    session: AsyncSession, community_id: int, latitude: float, longitude: float
) -> int | None:
    """Return the grid that holds a place in WGS-84, where grids overlap the first of them."""
    values = {"community_id": community_id, "latitude": latitude, "longitude": longitude}
    grid_id: int | None = await session.scalar(text(GRID_AT), values)
    return grid_id


async def get_resident_row(
    session: AsyncSession, community_id: int, resident_id: int
) -> Record | None:
    """Return an active resident with building, grid, room and community."""
    values = {"community_id": community_id, "resident_id": resident_id}
    return (await session.execute(_GET_RESIDENT, values)).one_or_none()


async def claim_resident(session: AsyncSession, request: JoinRequest) -> bool:
    """Give a resident without an account to who claims them; False if somebody has them."""
    statement = (
        update(Resident)
        .where(
            Resident.community_id == request.community_id,
            Resident.resident_id == request.claims_resident_id,
            Resident.person_id.is_(None),
            Resident.state == ResidentState.ACTIVE,
        )
        .values(person_id=request.person_id)
        .returning(Resident.resident_id)
    )
    return await session.scalar(statement) is not None


async def list_join_requests(
    session: AsyncSession, actor: Actor, *, after: int, size: int
) -> Sequence[JoinRequest]:
    """Return what waits for the actor's decision, oldest first."""
    statement = (
        select(JoinRequest)
        .join(Building, ASKS_FOR_BUILDING)
        .where(
            JoinRequest.community_id == actor.community,
            JoinRequest.state == JoinState.PENDING,
            JoinRequest.join_request_id > after,
            policies.in_grids_of(actor, Permission.COMMUNITY_DECIDE_JOIN),
        )
        .order_by(JoinRequest.join_request_id)
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def lock_join_request(
    session: AsyncSession, actor: Actor, join_request_id: int
) -> JoinRequest | None:
    """Return a request that the actor may decide, locked."""
    statement = (
        select(JoinRequest)
        .join(Building, ASKS_FOR_BUILDING)
        .where(
            JoinRequest.community_id == actor.community,
            JoinRequest.join_request_id == join_request_id,
            policies.in_grids_of(actor, Permission.COMMUNITY_DECIDE_JOIN),
        )
        .with_for_update(of=JoinRequest, key_share=True)
    )
    return await session.scalar(statement)


async def list_own_join_requests(
    session: AsyncSession, person_id: int, *, before: int, size: int
) -> Sequence[JoinRequest]:
    """Return a person's requests in any community, newest first."""
    statement = (
        select(JoinRequest)
        .where(JoinRequest.person_id == person_id, JoinRequest.join_request_id < before)
        .order_by(JoinRequest.join_request_id.desc())
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def resident_of_person(
    session: AsyncSession, community_id: int, person_id: int
) -> int | None:
    statement = select(Resident.resident_id).where(
        Resident.community_id == community_id, Resident.person_id == person_id
    )
    return await session.scalar(statement)


async def find_household(session: AsyncSession, household: Household) -> int:
    """Return the flat's number; a first resident makes the flat."""
    values = {
        "community_id": household.community_id, "household_id": household.household_id,
        "building_id": household.building_id, "room": household.room,
    }  # fmt: skip
    statement = insert(Household).values(values)
    # A no-op update returns the row that is there, whoever made it.
    statement = statement.on_conflict_do_update(
        index_elements=["community_id", "building_id", "room"],
        set_={"room": statement.excluded.room},
    )
    household_id: int = (await session.scalars(statement.returning(Household.household_id))).one()
    return household_id


async def decide_join_request(
    session: AsyncSession,
    request: JoinRequest,
    *,
    state: JoinState,
    decided_by: int,
    reason: str | None,
    now: datetime,
) -> None:
    """Close a request."""
    request.state = state
    request.decided_by = decided_by
    request.decided_at = now
    request.reason = reason
    await session.flush()


async def list_traits(
    session: AsyncSession, community_id: int, residents: Sequence[int]
) -> dict[int, Record]:
    """Return what rules may depend on, by resident: (grid_id, audience, joined_at)."""
    statement = (
        select(Resident.resident_id, Building.grid_id, Resident.audience, Resident.joined_at)
        .join(Building, LIVES_IN_BUILDING)
        .where(Resident.community_id == community_id, Resident.resident_id.in_(residents))
    )
    return {row.resident_id: row for row in (await session.execute(statement)).all()}
