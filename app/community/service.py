"""What a community is, and who somebody is in it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal, queries
from app.community.errors import CommunityNotFound, GridNotFound
from app.community.models import Community
from app.community.names import mask_phone
from app.community.schemas import Boundary, BoundaryRead, BuildingRead, CommunityRead, GridRead, Me
from app.core.access import Actor, Grant, Place, Role
from app.core.coordinates import from_caller
from app.core.personal import Vault
from app.core.tokens import Claims, TokenInvalid
from app.identity.schemas import Membership

DEGREE_DIGITS = 7  # a centimetre


async def load_actor(session: AsyncSession, claims: Claims) -> Actor:
    """Return who a verified token stands for; raises TokenInvalid when signed out."""
    row = await queries.load_actor_row(
        session,
        session_id=claims.session_id,
        person_id=claims.person_id,
        community_id=claims.community_id,
    )
    if row is None:
        raise TokenInvalid
    return actor_of(claims, resident_id=row.resident_id, roles=row.grants)


def actor_of(
    claims: Claims, *, resident_id: int | None, roles: Sequence[Sequence[Any]] | None
) -> Actor:
    """Return the actor of a standing session: `roles` are (role, grid, shop) as text."""
    grants = [Grant(Role.SIGNED_IN)]
    if resident_id is not None:
        grants.append(Grant(Role.RESIDENT))
    for role, grid_id, shop_id in roles or []:
        place = Place(
            grid_id=None if grid_id is None else int(grid_id),
            shop_id=None if shop_id is None else int(shop_id),
        )
        grants.append(Grant(Role(role), place))
    return Actor(
        person_id=claims.person_id,
        session_id=claims.session_id,
        community_id=claims.community_id,
        resident_id=resident_id,
        grants=tuple(grants),
    )


async def list_memberships(session: AsyncSession, person_id: int) -> list[Membership]:
    """Return every community of a person."""
    rows = await queries.list_membership_rows(session, person_id)
    return [
        Membership(
            community_id=row.community_id,
            community_name=row.community_name,
            resident_id=row.resident_id,
            roles=[Role(role) for role in row.roles],
        )
        for row in rows
    ]


async def get_community(session: AsyncSession, community_id: int) -> Community:
    """Return a community; raises CommunityNotFound."""
    community = await queries.get_community(session, community_id)
    if community is None:
        raise CommunityNotFound
    return community


async def describe_community(session: AsyncSession, community_id: int) -> CommunityRead:
    """Return what anybody may know of a community."""
    community = await get_community(session, community_id)
    grids = await queries.list_grids(session, community_id)
    buildings = await queries.list_buildings(session, community_id)
    return CommunityRead(
        community_id=community.community_id,
        name=community.name,
        timezone=community.timezone,
        residents=await queries.count_residents(session, community_id),
        grids=[GridRead.model_validate(grid) for grid in grids],
        buildings=[BuildingRead.model_validate(row) for row in buildings],
    )


async def put_boundary(
    session: AsyncSession, actor: Actor, grid_id: int, body: Boundary
) -> BoundaryRead:
    """Draw a grid's outline anew; raises GridNotFound."""
    ring = [_in_wgs84(longitude, latitude, body) for longitude, latitude in body.ring]
    grid = await queries.set_boundary(session, actor.community, grid_id, ring)
    if grid is None:
        raise GridNotFound
    return BoundaryRead(grid_id=grid.grid_id, name=grid.name, ring=ring)


async def get_me(session: AsyncSession, actor: Actor, *, vault: Vault) -> Me:
    """Return the calling resident."""
    row = await queries.get_resident_row(session, actor.community, actor.resident)
    if row is None:
        raise TokenInvalid
    phone = personal.phone_of(vault, row)
    return Me(
        resident_id=row.resident_id,
        display_name=personal.name_of(vault, row) or row.masked_name,
        masked_name=row.masked_name,
        masked_phone=None if phone is None else mask_phone(phone),
        building_name=row.building_name,
        room=row.room,
        community_id=row.community_id,
        community_name=row.community_name,
        timezone=row.timezone,
        audience=row.audience,
        roles=[grant.role for grant in actor.grants if grant.role is not Role.SIGNED_IN],
        joined_at=row.joined_at,
    )


def _in_wgs84(longitude: float, latitude: float, body: Boundary) -> tuple[float, float]:
    place = from_caller(latitude, longitude, body.coordinate_system)
    return round(place.longitude, DEGREE_DIGITS), round(place.latitude, DEGREE_DIGITS)
