"""Forgetting one kind of data of a person in one community; again changes nothing."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.core.coordinates import Position, blurred
from app.core.personal import Vault
from app.identity.consents import queries as consents
from app.media import service as media
from app.privacy.forgetting import queries

PHONE = "phone"
LOCATION = "location"
MESSAGES = "messages"


async def forget_phone(
    session: AsyncSession, community_id: int, person_id: int, *, vault: Vault
) -> None:
    """Delete the phone, and the token by which staff found it."""
    for row in await queries.lock_phone(session, community_id, person_id):
        phone = personal.phone_of(vault, row) or ""
        token = personal.phone_token(vault, community_id, phone)
        await queries.forget_phone(session, community_id, row.resident_id, token)


async def forget_places(session: AsyncSession, community_id: int, person_id: int) -> None:
    """Delete where photos were taken, and leave of reported places what neighbours see anyway."""
    await media.forget_positions_of(session, community_id, person_id)
    moved = []
    for row in await queries.lock_places(session, community_id, person_id):
        place = blurred(Position(row.latitude, row.longitude))
        moved.append(
            {
                "case_id": row.case_id,
                "latitude": place.latitude,
                "longitude": place.longitude,
            }
        )
    await queries.move_places(session, community_id, moved)


async def withdraw_consent(
    session: AsyncSession, community_id: int, person_id: int, purpose: str, *, now: datetime
) -> None:
    """Withdraw a consent that was taken back elsewhere than in the mini-program."""
    await consents.lock_consents(session, community_id, person_id)
    await consents.withdraw(session, community_id, person_id, [purpose], now=now)


async def on_consent_withdrawn(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    purpose: str,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    """Delete what was kept in a community for a purpose; called by the consents room."""
    match purpose:
        case "phone":
            await forget_phone(session, community_id, person_id, vault=vault)
        case "location":
            await forget_places(session, community_id, person_id)
        case "messages":
            await queries.stop_messages(session, community_id, person_id, now=now)
        case _:
            # Nothing is kept for any other purpose that may be refused.
            pass
