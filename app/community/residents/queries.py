"""SQL of finding residents, of opened personal data, and of phones."""

from collections.abc import Sequence

from sqlalchemy import and_, delete, exists, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import policies
from app.community.models import (
    Building,
    Household,
    PersonalDataRead,
    Resident,
    ResidentState,
    ResidentToken,
    RoleGrant,
)
from app.community.queries import LIVES_IN_BUILDING, LIVES_IN_HOUSEHOLD
from app.core.access import ROLE_PERMISSIONS, Actor, Permission
from app.core.database import Record

HAS_TOKEN = and_(
    ResidentToken.community_id == Resident.community_id,
    ResidentToken.resident_id == Resident.resident_id,
)
READERS = [
    role
    for role, permissions in ROLE_PERMISSIONS.items()
    if Permission.COMMUNITY_READ_RESIDENTS in permissions
]


async def list_residents(
    session: AsyncSession, actor: Actor, token: bytes, *, after: int, size: int
) -> Sequence[Record]:
    """Return residents found by a token, of the buildings the actor works in."""
    statement = (
        select(
            Resident.community_id,
            Resident.resident_id,
            Resident.masked_name,
            Resident.sealed_phone,
            Building.name.label("building_name"),
            Household.room,
            Resident.person_id.is_not(None).label("has_phone_account"),
            Resident.audience,
        )
        .join(ResidentToken, HAS_TOKEN)
        .join(Building, LIVES_IN_BUILDING)
        .outerjoin(Household, LIVES_IN_HOUSEHOLD)
        .where(
            ResidentToken.community_id == actor.community,
            ResidentToken.token == token,
            ResidentToken.resident_id > after,
            Resident.state == ResidentState.ACTIVE,
            policies.in_grids_of(actor, Permission.COMMUNITY_READ_RESIDENTS),
        )
        .order_by(ResidentToken.resident_id)
        .limit(size)
    )
    return (await session.execute(statement)).all()


async def get_resident(session: AsyncSession, actor: Actor, resident_id: int) -> Resident | None:
    """Return an active resident of a building the actor works in."""
    statement = (
        select(Resident)
        .join(Building, LIVES_IN_BUILDING)
        .where(
            Resident.community_id == actor.community,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
            policies.in_grids_of(actor, Permission.COMMUNITY_READ_RESIDENTS),
        )
    )
    return await session.scalar(statement)


async def set_audience(
    session: AsyncSession, actor: Actor, resident_id: int, audience: Sequence[str]
) -> bool:
    """Put an active resident into groups; False if the actor registers nobody at their place."""
    of_actor = exists().where(
        LIVES_IN_BUILDING, policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER)
    )
    statement = (
        update(Resident)
        .where(
            Resident.community_id == actor.community,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
            of_actor,
        )
        .values(audience=list(audience))
        .returning(Resident.resident_id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def list_reads(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[Record]:
    """Return who opened a resident's values, newest first, with a role they hold and its name."""
    of_reader = (
        select(RoleGrant.role_grant_id, RoleGrant.role, RoleGrant.sealed_name)
        .where(
            RoleGrant.community_id == PersonalDataRead.community_id,
            RoleGrant.person_id == PersonalDataRead.reader_id,
            RoleGrant.role.in_(READERS),
        )
        .order_by(RoleGrant.role_grant_id)
        .limit(1)
        .lateral("of_reader")
    )
    statement = (
        select(
            PersonalDataRead.community_id,
            PersonalDataRead.personal_data_read_id,
            PersonalDataRead.fields,
            PersonalDataRead.purpose,
            PersonalDataRead.read_at,
            of_reader.c.role_grant_id,
            of_reader.c.role,
            of_reader.c.sealed_name,
        )
        .outerjoin(of_reader, true())
        .where(
            PersonalDataRead.community_id == community_id,
            PersonalDataRead.resident_id == resident_id,
            PersonalDataRead.personal_data_read_id < before,
        )
        .order_by(PersonalDataRead.personal_data_read_id.desc())
        .limit(size)
    )
    return (await session.execute(statement)).all()


async def lock_resident(
    session: AsyncSession, community_id: int, resident_id: int
) -> Resident | None:
    """Return an active resident, locked until the transaction ends."""
    statement = (
        select(Resident)
        .where(
            Resident.community_id == community_id,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
        )
        .with_for_update(key_share=True)
    )
    return await session.scalar(statement)


async def delete_token(
    session: AsyncSession, community_id: int, resident_id: int, token: bytes
) -> None:
    statement = delete(ResidentToken).where(
        ResidentToken.community_id == community_id,
        ResidentToken.token == token,
        ResidentToken.resident_id == resident_id,
    )
    await session.execute(statement)
