"""Claiming the resident of a paper card from a phone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community import queries as community
from app.community.cards import queries
from app.community.cards.errors import ClaimedCardWithdrawn
from app.community.cards.schemas import CardClaimRead
from app.community.cards.service import get_standing_card
from app.community.errors import AlreadyAResident, ResidentClaimed
from app.community.models import JoinRequest, JoinState, Resident
from app.core.access import Actor
from app.core.codes import token_of
from app.core.ids import new_id
from app.core.personal import Vault
from app.core.signing import KeyRing
from app.identity.consents.service import require_consent
from app.identity.models import Purpose

CLAIMED = "已绑定微信"


async def ask_by_card(
    session: AsyncSession,
    actor: Actor,
    scanned: str,
    *,
    keys: KeyRing,
    vault: Vault,
    now: datetime,
) -> CardClaimRead:
    """Ask to be the resident of the card; a worker decides, so a found card opens nothing.

    Raises what a code can be refused for, CardHolderLeft, ResidentClaimed, AlreadyAResident,
    ConsentRequired, and JoinRequestPending by the unique index.
    """
    # The card tells the community: the person need not belong to it, or to any.
    code = keys.codes.verify(token_of(scanned), now=now)
    found = await get_standing_card(session, code, now=now)
    resident: Resident = found.Resident
    if await community.resident_of_person(session, code.community_id, actor.person_id) is not None:
        raise AlreadyAResident
    if resident.person_id is not None:
        raise ResidentClaimed
    await require_consent(session, code.community_id, actor.person_id, Purpose.SERVICE)
    request = _claim(actor, resident, found.room or "", vault=vault, now=now)
    session.add(request)
    await session.flush()
    return CardClaimRead(
        join_request_id=request.join_request_id,
        community_id=request.community_id,
        masked_name=resident.masked_name,
        state=JoinState.PENDING,
        asked_at=now,
    )


def _claim(
    actor: Actor, resident: Resident, room: str, *, vault: Vault, now: datetime
) -> JoinRequest:
    community_id, join_request_id = resident.community_id, new_id(now)
    # Sealed anew: a sealed value opens in its own row only.
    field = personal.join_request_name(community_id, join_request_id)
    name = personal.name_of(vault, resident)
    return JoinRequest(
        community_id=community_id,
        join_request_id=join_request_id,
        person_id=actor.person_id,
        claims_resident_id=resident.resident_id,
        sealed_name=None if name is None else vault.seal(name, field),
        building_id=resident.building_id,
        room=room,
        state=JoinState.PENDING,
        asked_at=now,
        decided_at=None,
        decided_by=None,
        reason=None,
    )


async def complete_claim(
    session: AsyncSession, request: JoinRequest, actor: Actor, *, now: datetime
) -> None:
    """Give the resident, wallet and history to who asked; the card has done its work.

    Raises ResidentClaimed if somebody else was quicker, and ClaimedCardWithdrawn if the card
    was reported lost after it was scanned: then a stranger may have scanned it.
    """
    if request.claims_resident_id is None or not await community.claim_resident(session, request):
        raise ResidentClaimed
    was_in_use = await queries.revoke_in_use(
        session,
        request.community_id,
        request.claims_resident_id,
        issued_by_then=request.asked_at,
        revoked_by=actor.person_id,
        reason=CLAIMED,
        now=now,
    )
    if not was_in_use:
        raise ClaimedCardWithdrawn
