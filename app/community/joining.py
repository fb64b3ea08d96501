"""Asking to become a resident, and deciding about it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal, queries, service
from app.community.cards.claims import complete_claim
from app.community.errors import (
    AlreadyAResident,
    JoinRequestDecided,
    JoinRequestNotFound,
    OwnJoinRequest,
)
from app.community.models import Household, JoinRequest, JoinState, Resident, ResidentState
from app.community.names import mask_name
from app.community.schemas import JoinRequestCreate, JoinRequestRead
from app.core.access import Actor
from app.core.ids import MAX_ID, new_id
from app.core.jobs import enqueue
from app.core.pagination import Page, cut_page, read_cursor
from app.core.personal import Vault
from app.identity.consents.service import require_consent
from app.identity.models import Purpose

HIDDEN_ROOM = "***"
OpenWallet = Callable[[AsyncSession, int, int], Awaitable[None]]


async def ask_to_join(
    session: AsyncSession, actor: Actor, body: JoinRequestCreate, *, vault: Vault, now: datetime
) -> JoinRequestRead:
    """Record a request, with consent to the service; raises ConsentRequired.

    Raises CommunityNotFound, AlreadyAResident, and JoinRequestPending.
    """
    await service.get_community(session, body.community_id)
    if await queries.resident_of_person(session, body.community_id, actor.person_id) is not None:
        raise AlreadyAResident
    await require_consent(session, body.community_id, actor.person_id, Purpose.SERVICE)
    join_request_id = new_id(now)
    field = personal.join_request_name(body.community_id, join_request_id)
    request = JoinRequest(
        community_id=body.community_id,
        join_request_id=join_request_id,
        person_id=actor.person_id,
        claims_resident_id=None,
        sealed_name=vault.seal(body.display_name, field),
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
    return read_join_request(vault, request)


async def list_join_requests(
    session: AsyncSession, actor: Actor, *, vault: Vault, cursor: str | None, size: int
) -> Page[JoinRequestRead]:
    """Return what waits for the actor's decision."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_join_requests(session, actor, after=after, size=size + 1)
    items, next_cursor = cut_page(rows, size, lambda row: (row.join_request_id,))
    return Page(items=[read_join_request(vault, row) for row in items], next_cursor=next_cursor)


async def list_own_join_requests(
    session: AsyncSession, actor: Actor, *, vault: Vault, cursor: str | None, size: int
) -> Page[JoinRequestRead]:
    """Return the caller's own requests, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_own_join_requests(
        session, actor.person_id, before=before, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.join_request_id,))
    return Page(items=[_read_own(vault, row) for row in items], next_cursor=next_cursor)


async def approve_join_request(
    session: AsyncSession,
    actor: Actor,
    join_request_id: int,
    *,
    vault: Vault,
    open_wallet: OpenWallet,
    now: datetime,
) -> JoinRequestRead:
    """Make the person a resident; `open_wallet` gives them an account in the ledger above.

    Who scanned their paper card becomes the resident of that card, wallet and all.
    """
    request = await _lock_pending(session, actor, join_request_id)
    if request.claims_resident_id is None:
        resident = await _add_resident(session, request, vault=vault, now=now)
        await open_wallet(session, resident.community_id, resident.resident_id)
        key = f"welcome_newcomers:{resident.resident_id}"
        await enqueue(session, "welcome_newcomers", key=key)
    else:
        await complete_claim(session, request, actor, now=now)
    await queries.decide_join_request(
        session, request,
        state=JoinState.APPROVED, decided_by=actor.person_id, reason=None, now=now,
    )  # fmt: skip
    return read_join_request(vault, request)


async def refuse_join_request(
    session: AsyncSession,
    actor: Actor,
    join_request_id: int,
    *,
    vault: Vault,
    reason: str,
    now: datetime,
) -> JoinRequestRead:
    """Refuse with a reason; the person may ask again."""
    request = await _lock_pending(session, actor, join_request_id)
    await queries.decide_join_request(
        session, request,
        state=JoinState.REFUSED, decided_by=actor.person_id, reason=reason, now=now,
    )  # fmt: skip
    return read_join_request(vault, request)


def read_join_request(vault: Vault, request: JoinRequest) -> JoinRequestRead:
    """Return a request with its name in the clear: for who asks and who decides only."""
    return JoinRequestRead(
        join_request_id=request.join_request_id,
        community_id=request.community_id,
        claims_resident_id=request.claims_resident_id,
        display_name=personal.name_asked_with(vault, request),
        building_id=request.building_id,
        room=request.room,
        state=JoinState(request.state),
        asked_at=request.asked_at,
        decided_at=request.decided_at,
        reason=request.reason,
    )


def _read_own(vault: Vault, request: JoinRequest) -> JoinRequestRead:
    """Return a request for who asked; who merely found a card learns nothing by scanning it."""
    read = read_join_request(vault, request)
    if request.claims_resident_id is None or request.state == JoinState.APPROVED:
        return read
    name = None if read.display_name is None else mask_name(read.display_name)
    return read.model_copy(update={"display_name": name, "room": HIDDEN_ROOM})


async def _add_resident(
    session: AsyncSession, request: JoinRequest, *, vault: Vault, now: datetime
) -> Resident:
    community_id = request.community_id
    household = Household(
        community_id=community_id,
        household_id=new_id(now),
        building_id=request.building_id,
        room=request.room,
    )
    household_id = await queries.find_household(session, household)
    # A request that still waits has its name.
    name = personal.name_asked_with(vault, request) or ""
    resident_id = new_id(now)
    resident = Resident(
        community_id=community_id,
        resident_id=resident_id,
        person_id=request.person_id,
        household_id=household_id,
        building_id=request.building_id,
        # Sealed anew: a sealed value opens in its own row only.
        sealed_name=vault.seal(name, personal.resident_name(community_id, resident_id)),
        masked_name=mask_name(name),
        sealed_phone=None,
        state=ResidentState.ACTIVE,
        registered_by=None,
        joined_at=now,
    )
    session.add(resident)
    session.add_all(
        personal.resident_tokens(
            community_id, resident_id, personal.name_tokens(vault, community_id, name)
        )
    )
    await session.flush()
    return resident


async def _lock_pending(session: AsyncSession, actor: Actor, join_request_id: int) -> JoinRequest:
    request = await queries.lock_join_request(session, actor, join_request_id)
    if request is None:
        raise JoinRequestNotFound
    if request.state != JoinState.PENDING:
        raise JoinRequestDecided
    if request.person_id == actor.person_id:
        raise OwnJoinRequest
    return request
