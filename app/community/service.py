"""Who belongs to a community, and how one comes to."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import queries
from app.community.errors import (
    AlreadyAResident,
    CommunityNotFound,
    JoinRequestDecided,
    JoinRequestNotFound,
    OwnJoinRequest,
)
from app.community.models import Community, Household, JoinRequest, JoinState, Resident
from app.community.names import mask_name
from app.community.schemas import (
    BuildingRead,
    CommunityRead,
    JoinRequestCreate,
    JoinRequestRead,
    Me,
    ResidentRead,
)
from app.core.access import Actor, Grant, Place, Role
from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, page_of, read_cursor
from app.core.tokens import Claims, TokenInvalid
from app.identity.schemas import Membership

OpenWallet = Callable[[AsyncSession, int, int], Awaitable[None]]


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
    grants = [Grant(Role.SIGNED_IN)]
    if row.resident_id is not None:
        grants.append(Grant(Role.RESIDENT))
    for role, grid_id, shop_id in row.grants or []:
        place = Place(
            grid_id=None if grid_id is None else int(grid_id),
            shop_id=None if shop_id is None else int(shop_id),
        )
        grants.append(Grant(Role(role), place))
    return Actor(
        person_id=claims.person_id,
        session_id=claims.session_id,
        community_id=claims.community_id,
        resident_id=row.resident_id,
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
    buildings = await queries.list_buildings(session, community_id)
    return CommunityRead(
        community_id=community.community_id,
        name=community.name,
        timezone=community.timezone,
        residents=await queries.count_residents(session, community_id),
        buildings=[BuildingRead.model_validate(row) for row in buildings],
    )


async def get_me(session: AsyncSession, actor: Actor) -> Me:
    """Return the calling resident."""
    row = await queries.get_resident_row(session, actor.community, actor.resident)
    if row is None:
        raise TokenInvalid
    return Me(
        resident_id=row.resident_id,
        display_name=row.display_name,
        masked_name=row.masked_name,
        building_name=row.building_name,
        room=row.room,
        community_id=row.community_id,
        community_name=row.community_name,
        timezone=row.timezone,
        roles=[grant.role for grant in actor.grants if grant.role is not Role.SIGNED_IN],
        joined_at=row.joined_at,
    )


async def ask_to_join(
    session: AsyncSession, actor: Actor, body: JoinRequestCreate, *, now: datetime
) -> JoinRequest:
    """Record a request; raises CommunityNotFound, AlreadyAResident, and JoinRequestPending."""
    await get_community(session, body.community_id)
    if await queries.resident_of_person(session, body.community_id, actor.person_id) is not None:
        raise AlreadyAResident
    request = JoinRequest(
        community_id=body.community_id,
        join_request_id=new_id(now),
        person_id=actor.person_id,
        display_name=body.display_name,
        building_id=body.building_id,
        room=body.room,
        state=JoinState.PENDING,
        asked_at=now,
        decided_at=None,
        decided_by=None,
        reason=None,
    )
    session.add(request)
    await session.flush()
    return request


async def list_join_requests(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[JoinRequestRead]:
    """Return what waits for the actor's decision."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_join_requests(session, actor, after=after, size=size + 1)
    return page_of(JoinRequestRead, rows, size, lambda row: (row.join_request_id,))


async def list_own_join_requests(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[JoinRequestRead]:
    """Return the caller's own requests, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_own_join_requests(
        session, actor.person_id, before=before, size=size + 1
    )
    return page_of(JoinRequestRead, rows, size, lambda row: (row.join_request_id,))


async def approve_join_request(
    session: AsyncSession,
    actor: Actor,
    join_request_id: int,
    *,
    open_wallet: OpenWallet,
    now: datetime,
) -> JoinRequest:
    """Make the person a resident; `open_wallet` gives them an account in the ledger above."""
    request = await _lock_pending(session, actor, join_request_id)
    household = Household(
        community_id=request.community_id,
        household_id=new_id(now),
        building_id=request.building_id,
        room=request.room,
    )
    household_id = await queries.find_household(session, household)
    resident = Resident(
        community_id=request.community_id,
        resident_id=new_id(now),
        person_id=request.person_id,
        household_id=household_id,
        building_id=request.building_id,
        display_name=request.display_name,
        masked_name=mask_name(request.display_name),
        state="active",
        joined_at=now,
    )
    session.add(resident)
    await session.flush()
    await open_wallet(session, resident.community_id, resident.resident_id)
    await queries.decide_join_request(
        session, request,
        state=JoinState.APPROVED, decided_by=actor.person_id, reason=None, now=now,
    )  # fmt: skip
    return request


async def refuse_join_request(
    session: AsyncSession, actor: Actor, join_request_id: int, *, reason: str, now: datetime
) -> JoinRequest:
    """Refuse with a reason; the person may ask again."""
    request = await _lock_pending(session, actor, join_request_id)
    await queries.decide_join_request(
        session, request,
        state=JoinState.REFUSED, decided_by=actor.person_id, reason=reason, now=now,
    )  # fmt: skip
    return request


async def _lock_pending(session: AsyncSession, actor: Actor, join_request_id: int) -> JoinRequest:
    request = await queries.lock_join_request(session, actor, join_request_id)
    if request is None:
        raise JoinRequestNotFound
    if request.state != JoinState.PENDING:
        raise JoinRequestDecided
    if request.person_id == actor.person_id:
        raise OwnJoinRequest
    return request


async def search_residents(
    session: AsyncSession, actor: Actor, *, name: str, cursor: str | None, size: int
) -> Page[ResidentRead]:
    """Return residents by a part of their name, in the buildings the actor works in."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_residents(session, actor, name=name, after=after, size=size + 1)
    return page_of(ResidentRead, rows, size, lambda row: (row.resident_id,))
