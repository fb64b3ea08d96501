"""Hearing a resident before points are taken: what they are told, until when they can answer."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.residents import queries as residents
from app.contributions.by_hand import messages, policies, queries
from app.contributions.by_hand.errors import (
    AlreadyAnswered,
    DeductionNotFound,
    NotHeardYet,
    PostingDecided,
    PostingNotFound,
    RepairTooLarge,
)
from app.contributions.by_hand.schemas import DeductionCreate, PostingResult
from app.contributions.errors import ResidentHasPhone
from app.contributions.models import ManualPosting, PostingKind, PostingState
from app.contributions.repairs import service as repairs
from app.contributions.telling.service import Message, tell_resident
from app.core.access import Actor
from app.core.calendar import day_in
from app.ledger.errors import CheckerIsMaker
from app.ledger.lapses import end_of
from app.rules import service as rules
from app.rules.evaluation import Terms


async def open_hearing(
    session: AsyncSession,
    posting: ManualPosting,
    body: DeductionCreate,
    terms: Terms,
    *,
    now: datetime,
) -> None:
    """Write down what a deduction takes, until when it waits for an answer, and its repair.

    Without days for it the hearing is over at once: who decides still reads an answer that comes
    before. Raises RepairTooLarge.
    """
    posting.points = terms.points * body.units
    if body.repair_task is not None:
        posting.repair_task = body.repair_task
        posting.repair_points = body.repair_points or posting.points
        if posting.repair_points > posting.points:
            raise RepairTooLarge(most_points=posting.points)
    procedure = await rules.get_procedure(session, posting.community_id)
    posting.heard_until = now
    if procedure.hearing_days > 0:
        timezone = await _timezone(session, posting)
        last_day = day_in(timezone, now) + timedelta(days=procedure.hearing_days)
        posting.heard_until = end_of(last_day, timezone)


async def check_heard(session: AsyncSession, posting: ManualPosting, *, now: datetime) -> None:
    """Refuse to take points from somebody who can still answer; raises NotHeardYet.

    Only their own answer ends the hearing early: what others write down could be anything. What
    was proposed before there were hearings nobody was told of: it is answered, or proposed anew.
    """
    until = posting.heard_until
    if posting.kind != PostingKind.DEDUCTION or (until is not None and until <= now):
        return
    if not await queries.is_answered_in_person(session, posting):
        raise NotHeardYet(heard_until=None if until is None else until.isoformat())


async def answer_own(
    session: AsyncSession, actor: Actor, posting_id: int, answer: str, *, now: datetime
) -> None:
    """Answer a deduction of one's own; raises DeductionNotFound."""
    posting = await queries.lock_posting(session, actor.community, posting_id)
    if posting is None or not _concerns(posting, actor.resident):
        raise DeductionNotFound
    await _answer(session, actor, posting, answer, now=now)


async def answer_for(
    session: AsyncSession, actor: Actor, posting_id: int, answer: str, *, now: datetime
) -> None:
    """Write down what a resident without a phone answers; raises PostingNotFound.

    Neither for residents who have a phone (ResidentHasPhone), nor as the one who proposed it
    (CheckerIsMaker); and it does not end the hearing before its time.
    """
    posting = await queries.lock_posting(session, actor.community, posting_id)
    if posting is None or posting.kind != PostingKind.DEDUCTION:
        raise PostingNotFound
    resident = await residents.get_resident(session, actor, posting.resident_id)
    if resident is None:
        raise PostingNotFound
    if resident.person_id is not None:
        raise ResidentHasPhone
    if not policies.may_answer_for(actor, posting):
        raise CheckerIsMaker
    await _answer(session, actor, posting, answer, now=now)


async def tell_proposed(
    session: AsyncSession, posting: ManualPosting, *, photos: int, now: datetime
) -> None:
    """Tell the resident what is to be taken, and until when they can answer."""
    name, timezone = await _rule_name(session, posting), await _timezone(session, posting)
    message = messages.proposed(posting, name, photos=photos, timezone=timezone)
    await _tell(session, posting, message, timezone, now)


async def conclude(
    session: AsyncSession, posting: ManualPosting, result: PostingResult, *, now: datetime
) -> None:
    """Offer the repair of a deduction just posted, and tell the resident of both."""
    if posting.kind != PostingKind.DEDUCTION:
        return
    procedure = await rules.get_procedure(session, posting.community_id)
    timezone = await _timezone(session, posting)
    points = min(posting.repair_points or 0, -result.moved_points)
    repair = None
    if posting.repair_task is not None and result.contribution_id and points > 0:
        offer = repairs.Offer(
            contribution_id=result.contribution_id,
            resident_id=posting.resident_id,
            task=posting.repair_task,
            points=points,
            days=procedure.repair_days,
        )
        repair = await repairs.offer_repair(
            session, posting.community_id, offer, timezone=timezone, now=now
        )
    message = messages.posted(
        posting,
        await _rule_name(session, posting),
        asked_points=-result.asked_points,
        taken_points=-result.moved_points,
        repair=repair,
        appeal_days=procedure.appeal_days,
        timezone=timezone,
        now=now,
    )
    await _tell(session, posting, message, timezone, now)


async def tell_dropped(session: AsyncSession, posting: ManualPosting, *, now: datetime) -> None:
    """Tell the resident that nothing is taken: it was refused, or withdrawn."""
    if posting.kind != PostingKind.DEDUCTION:
        return
    name, timezone = await _rule_name(session, posting), await _timezone(session, posting)
    await _tell(session, posting, messages.dropped(posting, name, now=now), timezone, now)


async def _answer(
    session: AsyncSession, actor: Actor, posting: ManualPosting, answer: str, *, now: datetime
) -> None:
    if posting.state != PostingState.PROPOSED:
        raise PostingDecided(state=posting.state)
    if posting.answered_at is not None:
        raise AlreadyAnswered
    posting.answer = answer
    posting.answered_at = now
    posting.answered_by = actor.person_id
    await session.flush()


def _concerns(posting: ManualPosting, resident_id: int) -> bool:
    return posting.kind == PostingKind.DEDUCTION and posting.resident_id == resident_id


async def _rule_name(session: AsyncSession, posting: ManualPosting) -> str:
    terms = await rules.get_terms_by_code(
        session,
        posting.community_id,
        posting.rule_code or "",
        at=posting.acted_at or posting.proposed_at,
    )
    return terms.name


async def _timezone(session: AsyncSession, posting: ManualPosting) -> str:
    here = await community.get_community(session, posting.community_id)
    return here.timezone


async def _tell(
    session: AsyncSession,
    posting: ManualPosting,
    message: Message,
    timezone: str,
    now: datetime,
) -> None:
    await tell_resident(
        session, posting.community_id, posting.resident_id, message, timezone=timezone, now=now
    )
