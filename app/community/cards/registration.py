"""Registering a resident who has no phone to join with."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community import queries as community
from app.community.cards import queries
from app.community.cards.schemas import ResidentRegister, ResidentRegistered
from app.community.errors import BuildingNotFound
from app.community.models import Household, Resident, ResidentState
from app.community.names import mask_name, mask_phone
from app.core.access import Actor
from app.core.ids import new_id
from app.core.jobs import enqueue
from app.core.personal import Vault

OpenWallet = Callable[[AsyncSession, int, int], Awaitable[None]]


async def register_resident(
    session: AsyncSession,
    actor: Actor,
    body: ResidentRegister,
    *,
    vault: Vault,
    open_wallet: OpenWallet,
    now: datetime,
) -> ResidentRegistered:
    """Make a resident without a person; raises BuildingNotFound outside the actor's grids."""
    if not await queries.may_register_at(session, actor, body.building_id):
        raise BuildingNotFound
    household = Household(
        community_id=actor.community,
        household_id=new_id(now),
        building_id=body.building_id,
        room=body.room,
    )
    household_id = await community.find_household(session, household)
    resident = _sealed(actor, body, household_id, vault=vault, now=now)
    session.add(resident)
    session.add_all(
        personal.resident_tokens(
            actor.community, resident.resident_id, _tokens(vault, actor.community, body)
        )
    )
    await session.flush()
    await open_wallet(session, actor.community, resident.resident_id)
    await enqueue(session, "welcome_newcomers", key=f"welcome_newcomers:{resident.resident_id}")
    return ResidentRegistered(
        resident_id=resident.resident_id,
        masked_name=resident.masked_name,
        masked_phone=None if body.phone is None else mask_phone(body.phone),
        building_id=body.building_id,
        room=body.room,
        joined_at=now,
    )


def _sealed(
    actor: Actor, body: ResidentRegister, household_id: int, *, vault: Vault, now: datetime
) -> Resident:
    resident_id = new_id(now)
    name_field = personal.resident_name(actor.community, resident_id)
    phone_field = personal.resident_phone(actor.community, resident_id)
    return Resident(
        community_id=actor.community,
        resident_id=resident_id,
        person_id=None,
        household_id=household_id,
        building_id=body.building_id,
        sealed_name=vault.seal(body.name, name_field),
        masked_name=mask_name(body.name),
        sealed_phone=None if body.phone is None else vault.seal(body.phone, phone_field),
        state=ResidentState.ACTIVE,
        registered_by=actor.person_id,
        joined_at=now,
    )


def _tokens(vault: Vault, community_id: int, body: ResidentRegister) -> list[bytes]:
    tokens = list(personal.name_tokens(vault, community_id, body.name))
    if body.phone is not None:
        tokens.append(personal.phone_token(vault, community_id, body.phone))
    return tokens
