"""Issuing, withdrawing and replacing cards, and who is behind a scanned one."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.cards import queries
from app.community.cards.errors import CardHolderLeft, CardNotFound
from app.community.cards.schemas import CardIssued, CardList, CardRead
from app.community.errors import ResidentNotFound
from app.community.models import PaperCard, Resident, ResidentState
from app.core.access import Actor
from app.core.code_errors import CodeExpired, CodeOfOtherKind, CodeRevoked
from app.core.codes import Code, CodeKind, link_of
from app.core.database import Record
from app.core.ids import new_id
from app.core.signing import KeyRing

LIFETIME = timedelta(days=5 * 365 + 1)
# What is read out over the phone or copied by hand: nothing that looks like something else.
SERIAL_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
SERIAL_LENGTH = 8
SERIAL_GROUP = 4
# Whose code a worker may scan: from a phone, or from paper.
RESIDENT_KINDS = (CodeKind.RESIDENT, CodeKind.PAPER_CARD)


async def list_cards(session: AsyncSession, actor: Actor, resident_id: int) -> CardList:
    """Return the cards of a resident of the actor's grids; none for anybody else."""
    rows = await queries.list_cards(session, actor, resident_id)
    return CardList(items=[describe_card(row.PaperCard, row.masked_name) for row in rows])


async def issue_card(
    session: AsyncSession, actor: Actor, resident_id: int, *, now: datetime
) -> tuple[PaperCard, Resident]:
    """Issue a card; raises ResidentNotFound, and CardInUse by the unique index."""
    resident = await _lock_resident(session, actor, resident_id)
    return await _add_card(session, actor, resident, now), resident


async def reissue_card(
    session: AsyncSession, actor: Actor, resident_id: int, *, reason: str, now: datetime
) -> tuple[PaperCard, Resident]:
    """Withdraw the card in use, if there is one, and issue the next; raises ResidentNotFound."""
    resident = await _lock_resident(session, actor, resident_id)
    await queries.revoke_in_use(
        session,
        actor.community,
        resident_id,
        issued_by_then=now,
        revoked_by=actor.person_id,
        reason=reason,
        now=now,
    )
    return await _add_card(session, actor, resident, now), resident


async def revoke_card(
    session: AsyncSession, actor: Actor, card_id: int, *, reason: str, now: datetime
) -> CardRead:
    """Withdraw a card for good; one withdrawn before stays as it is. Raises CardNotFound."""
    found = await queries.lock_card(session, actor, card_id)
    if found is None:
        raise CardNotFound
    card: PaperCard = found.PaperCard
    if card.revoked_at is None:
        card.revoked_at, card.revoked_by, card.reason = now, actor.person_id, reason
        await session.flush()
    return describe_card(card, found.masked_name)


async def find_scanned_resident(session: AsyncSession, code: Code, *, now: datetime) -> int:
    """Return whose code was scanned, be it from their phone or from their paper card.

    The caller has verified the code. Raises CodeOfOtherKind, CodeRevoked, CodeExpired and
    CardHolderLeft.
    """
    if code.kind is CodeKind.RESIDENT:
        return code.subject_id
    found = await get_standing_card(session, code, now=now)
    resident: Resident = found.Resident
    return resident.resident_id


async def get_standing_card(session: AsyncSession, code: Code, *, now: datetime) -> Record:
    """Return (PaperCard, Resident, room) of a card in use; raises as find_scanned_resident."""
    if code.kind is not CodeKind.PAPER_CARD:
        raise CodeOfOtherKind
    found = await queries.get_scanned_card(session, code.community_id, code.subject_id)
    if found is None or found.PaperCard.revoked_at is not None:
        raise CodeRevoked
    if found.PaperCard.expires_at <= now:
        raise CodeExpired
    if found.Resident.state != ResidentState.ACTIVE:
        raise CardHolderLeft
    return found


def code_of(card: PaperCard) -> Code:
    return Code(CodeKind.PAPER_CARD, card.community_id, card.card_id, card.expires_at)


def describe_card(card: PaperCard, masked_name: str) -> CardRead:
    return CardRead(
        card_id=card.card_id,
        resident_id=card.resident_id,
        masked_name=masked_name,
        serial=shown_serial(card.serial),
        issued_at=card.issued_at,
        expires_at=card.expires_at,
        revoked_at=card.revoked_at,
        reason=card.reason,
    )


def describe_issued(
    card: PaperCard, resident: Resident, keys: KeyRing, *, base_url: str, now: datetime
) -> CardIssued:
    """Return a card with its code, signed."""
    token = keys.sign_code(code_of(card), now=now)
    return CardIssued(
        **describe_card(card, resident.masked_name).model_dump(),
        token=token,
        link=link_of(token, base_url=base_url),
    )


def shown_serial(serial: str) -> str:
    """Return a serial as it is printed: A3F7-2K9Q."""
    return f"{serial[:SERIAL_GROUP]}-{serial[SERIAL_GROUP:]}"


async def _lock_resident(session: AsyncSession, actor: Actor, resident_id: int) -> Resident:
    resident = await queries.lock_resident(session, actor, resident_id)
    if resident is None:
        raise ResidentNotFound
    return resident


async def _add_card(
    session: AsyncSession, actor: Actor, resident: Resident, now: datetime
) -> PaperCard:
    card = PaperCard(
        community_id=resident.community_id,
        card_id=new_id(now),
        resident_id=resident.resident_id,
        serial="".join(secrets.choice(SERIAL_LETTERS) for _ in range(SERIAL_LENGTH)),
        issued_by=actor.person_id,
        issued_at=now,
        # A code carries whole seconds.
        expires_at=(now + LIFETIME).replace(microsecond=0),
        revoked_at=None,
        revoked_by=None,
        reason=None,
    )
    session.add(card)
    await session.flush()
    return card
