"""Finding residents, opening what is sealed, and keeping a resident's phone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community import queries as community
from app.community.errors import ResidentNotFound
from app.community.models import PersonalDataRead
from app.community.names import mask_name, mask_phone
from app.community.residents import queries
from app.community.residents.errors import OneSearchTermNeeded, WeChatNotLinked
from app.community.residents.schemas import (
    AudiencePut,
    AudienceRead,
    OwnPhone,
    PersonalDataReadRead,
    PersonalField,
    ResidentRead,
    Reveal,
    Revealed,
    in_international_form,
)
from app.core.access import Actor, Role
from app.core.database import Record
from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, cut_page, read_cursor
from app.core.personal import Vault
from app.core.tokens import TokenInvalid
from app.identity import queries as identity
from app.identity.consents import queries as consents
from app.identity.consents.service import require_consent
from app.identity.models import Purpose


async def search_residents(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str | None,
    phone: str | None,
    vault: Vault,
    cursor: str | None,
    size: int,
) -> Page[ResidentRead]:
    """Return masked residents by the beginning of their name, or by their whole phone.

    Only of the buildings the actor works in; raises OneSearchTermNeeded.
    """
    token = _searched_token(vault, actor.community, name, phone)
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_residents(session, actor, token, after=after, size=size + 1)
    items, next_cursor = cut_page(rows, size, lambda row: (row.resident_id,))
    return Page(items=[_masked(vault, row) for row in items], next_cursor=next_cursor)


async def reveal_personal_data(
    session: AsyncSession,
    actor: Actor,
    resident_id: int,
    body: Reveal,
    *,
    vault: Vault,
    now: datetime,
) -> Revealed:
    """Open what staff need, and record it for the resident; raises ResidentNotFound."""
    resident = await queries.get_resident(session, actor, resident_id)
    if resident is None:
        raise ResidentNotFound
    read = PersonalDataRead(
        community_id=resident.community_id,
        personal_data_read_id=new_id(now),
        resident_id=resident_id,
        reader_id=actor.person_id,
        fields=[field.value for field in body.fields],
        purpose=body.purpose,
        read_at=now,
    )
    session.add(read)
    await session.flush()
    asked = set(body.fields)
    return Revealed(
        resident_id=resident_id,
        name=personal.name_of(vault, resident) if PersonalField.NAME in asked else None,
        phone=personal.phone_of(vault, resident) if PersonalField.PHONE in asked else None,
    )


async def put_audience(
    session: AsyncSession, actor: Actor, resident_id: int, body: AudiencePut
) -> AudienceRead:
    """Say which groups a resident of the actor's buildings belongs to; raises ResidentNotFound."""
    if not await queries.set_audience(session, actor, resident_id, body.audience):
        raise ResidentNotFound
    return AudienceRead(resident_id=resident_id, audience=body.audience)


async def list_personal_data_reads(
    session: AsyncSession, actor: Actor, *, vault: Vault, cursor: str | None, size: int
) -> Page[PersonalDataReadRead]:
    """Return who saw the caller's name or phone in the clear, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_reads(
        session, actor.community, actor.resident, before=before, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.personal_data_read_id,))
    return Page(items=[_read(vault, row) for row in items], next_cursor=next_cursor)


async def prepare_phone(session: AsyncSession, actor: Actor, app_id: str) -> str:
    """Return the caller's openid in a mini-program, to ask WeChat for the phone.

    Raises ConsentRequired and WeChatNotLinked, before WeChat is paid for an answer.
    """
    await require_consent(session, actor.community, actor.person_id, Purpose.PHONE)
    open_id = await identity.get_open_id(session, actor.person_id, app_id)
    if open_id is None:
        raise WeChatNotLinked
    return open_id


async def put_phone(session: AsyncSession, actor: Actor, phone: str, *, vault: Vault) -> OwnPhone:
    """Keep the caller's phone, sealed, in place of an earlier one."""
    # Asked again: WeChat took its time, and consent may have been withdrawn meanwhile. Who
    # withdraws it now waits for us, and then finds a phone to delete.
    await consents.lock_consents(session, actor.community, actor.person_id)
    await require_consent(session, actor.community, actor.person_id, Purpose.PHONE)
    if not await _change_phone(session, actor.community, actor.resident, phone, vault):
        raise TokenInvalid
    return OwnPhone(masked_phone=mask_phone(phone))


async def delete_phone(session: AsyncSession, actor: Actor, *, vault: Vault) -> OwnPhone:
    """Forget the caller's phone."""
    await _change_phone(session, actor.community, actor.resident, None, vault)
    return OwnPhone(masked_phone=None)


async def forget_phone(
    session: AsyncSession, community_id: int, person_id: int, *, vault: Vault
) -> None:
    """Forget a person's phone in one community, as when its consent is withdrawn."""
    resident_id = await community.resident_of_person(session, community_id, person_id)
    if resident_id is not None:
        await _change_phone(session, community_id, resident_id, None, vault)


async def _change_phone(
    session: AsyncSession, community_id: int, resident_id: int, phone: str | None, vault: Vault
) -> bool:
    resident = await queries.lock_resident(session, community_id, resident_id)
    if resident is None:
        return False
    former = personal.phone_of(vault, resident)
    if former is not None:
        token = personal.phone_token(vault, community_id, former)
        await queries.delete_token(session, community_id, resident_id, token)
    resident.sealed_phone = None
    if phone is not None:
        field = personal.resident_phone(community_id, resident_id)
        resident.sealed_phone = vault.seal(phone, field)
        token = personal.phone_token(vault, community_id, phone)
        session.add_all(personal.resident_tokens(community_id, resident_id, [token]))
    await session.flush()
    return True


def _searched_token(vault: Vault, community_id: int, name: str | None, phone: str | None) -> bytes:
    if name is not None and phone is None and name.strip():
        return personal.name_token(vault, community_id, name)
    if phone is not None and name is None:
        return personal.phone_token(vault, community_id, in_international_form(phone))
    raise OneSearchTermNeeded


def _masked(vault: Vault, row: Record) -> ResidentRead:
    phone = personal.phone_of(vault, row)
    return ResidentRead(
        resident_id=row.resident_id,
        masked_name=row.masked_name,
        masked_phone=None if phone is None else mask_phone(phone),
        building_name=row.building_name,
        room=row.room,
        has_phone_account=row.has_phone_account,
        audience=row.audience,
    )


def _read(vault: Vault, row: Record) -> PersonalDataReadRead:
    name = None
    if row.sealed_name is not None:
        name = vault.open(row.sealed_name, personal.grant_name(row.community_id, row.role_grant_id))
    return PersonalDataReadRead(
        personal_data_read_id=row.personal_data_read_id,
        reader_role=None if row.role is None else Role(row.role),
        reader_masked_name=None if name is None else mask_name(name),
        fields=row.fields,
        purpose=row.purpose,
        read_at=row.read_at,
    )
