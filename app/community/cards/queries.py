"""SQL of paper cards."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import policies
from app.community.models import (
    Building,
    Household,
    PaperCard,
    PersonalDataRead,
    Resident,
    ResidentState,
)
from app.community.queries import LIVES_IN_BUILDING, LIVES_IN_HOUSEHOLD
from app.core.access import Actor, Permission
from app.core.database import Record

HELD_BY_RESIDENT = and_(
    Resident.community_id == PaperCard.community_id, Resident.resident_id == PaperCard.resident_id
)


async def may_register_at(session: AsyncSession, actor: Actor, building_id: int) -> bool:
    """Tell whether the building is there, in a grid the actor works in."""
    statement = select(Building.building_id).where(
        Building.community_id == actor.community,
        Building.building_id == building_id,
        policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER),
    )
    return await session.scalar(statement) is not None


async def lock_resident(session: AsyncSession, actor: Actor, resident_id: int) -> Resident | None:
    """Return an active resident of the actor's grids, locked."""
    statement = (
        select(Resident)
        .join(Building, LIVES_IN_BUILDING)
        .where(
            Resident.community_id == actor.community,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
            policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER),
        )
        .with_for_update(of=Resident, key_share=True)
    )
    return await session.scalar(statement)


async def list_cards(session: AsyncSession, actor: Actor, resident_id: int) -> Sequence[Record]:
    """Return (PaperCard, masked name) of a resident of the actor's grids, newest first."""
    statement = (
        select(PaperCard, Resident.masked_name)
        .join(Resident, HELD_BY_RESIDENT)
        .join(Building, LIVES_IN_BUILDING)
        .where(
            PaperCard.community_id == actor.community,
            PaperCard.resident_id == resident_id,
            policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER),
        )
        .order_by(PaperCard.card_id.desc())
    )
    return (await session.execute(statement)).all()


async def lock_card(session: AsyncSession, actor: Actor, card_id: int) -> Record | None:
    """Return (PaperCard, masked name) of a resident of the actor's grids, the card locked."""
    statement = (
        select(PaperCard, Resident.masked_name)
        .join(Resident, HELD_BY_RESIDENT)
        .join(Building, LIVES_IN_BUILDING)
        .where(
            PaperCard.community_id == actor.community,
            PaperCard.card_id == card_id,
            policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER),
        )
        .with_for_update(of=PaperCard, key_share=True)
    )
    return (await session.execute(statement)).one_or_none()


async def revoke_in_use(
    session: AsyncSession,
    community_id: int,
    resident_id: int,
    *,
    issued_by_then: datetime,
    revoked_by: int,
    reason: str,
    now: datetime,
) -> bool:
    """Withdraw the resident's card in use, if it was issued by then; tell whether it was."""
    statement = (
        update(PaperCard)
        .where(
            PaperCard.community_id == community_id,
            PaperCard.resident_id == resident_id,
            PaperCard.revoked_at.is_(None),
            PaperCard.issued_at <= issued_by_then,
        )
        .values(revoked_at=now, revoked_by=revoked_by, reason=reason)
        .returning(PaperCard.card_id)
    )
    return await session.scalar(statement) is not None


async def get_scanned_card(session: AsyncSession, community_id: int, card_id: int) -> Record | None:
    """Return (PaperCard, Resident, room) of a card, whatever has become of either."""
    statement = (
        select(PaperCard, Resident, Household.room)
        .join(Resident, HELD_BY_RESIDENT)
        .outerjoin(Household, LIVES_IN_HOUSEHOLD)
        .where(PaperCard.community_id == community_id, PaperCard.card_id == card_id)
    )
    return (await session.execute(statement)).one_or_none()


async def list_printable(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_ids: Sequence[int] | None,
    building_id: int | None,
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return (PaperCard, Resident) for the cards in use in the actor's grids, flat by flat."""
    statement = (
        select(PaperCard, Resident)
        .join(Resident, HELD_BY_RESIDENT)
        .join(Building, LIVES_IN_BUILDING)
        .outerjoin(Household, LIVES_IN_HOUSEHOLD)
        .where(
            PaperCard.community_id == actor.community,
            PaperCard.revoked_at.is_(None),
            PaperCard.expires_at > now,
            Resident.state == ResidentState.ACTIVE,
            policies.in_grids_of(actor, Permission.COMMUNITY_REGISTER),
        )
        .order_by(Resident.building_id, Household.room, Resident.resident_id)
        .limit(size)
    )
    if resident_ids is not None:
        statement = statement.where(PaperCard.resident_id.in_(resident_ids))
    if building_id is not None:
        statement = statement.where(Resident.building_id == building_id)
    return (await session.execute(statement)).all()


async def log_reads(session: AsyncSession, reads: Sequence[PersonalDataRead]) -> None:
    """Record that names were looked at, in one statement."""
    rows = [
        {
            "community_id": read.community_id, "resident_id": read.resident_id,
            "personal_data_read_id": read.personal_data_read_id, "reader_id": read.reader_id,
            "fields": read.fields, "purpose": read.purpose, "read_at": read.read_at,
        }
        for read in reads
    ]  # fmt: skip
    await session.execute(insert(PersonalDataRead).values(rows))
