"""Filing, withdrawing and deciding appeals."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.models import ResidentState
from app.contributions.evidence.service import attach_photos
from app.contributions.telling.service import tell_resident
from app.core.access import Actor, Permission, Place
from app.core.calendar import day_in, local_time
from app.core.database import Record
from app.core.ids import new_id
from app.governance.appeals import policies, queries
from app.governance.appeals.correcting import Ruling, check_correction, correct
from app.governance.appeals.errors import (
    AppealAlreadyFiled,
    AppealClosed,
    AppealNotFound,
    AppealSubjectNotFound,
    AppealTooLate,
    FilesThemselves,
    OwnHouseholdAppeal,
    YouWereInvolved,
)
from app.governance.appeals.messages import decided
from app.governance.appeals.schemas import (
    AppealCreate,
    AppealDecision,
    AppealFiled,
    AppealWindow,
    Correction,
    Effects,
    Verdict,
)
from app.governance.models import Appeal, AppealKind, AppealState
from app.rules import service as rules

MINUTE = timedelta(minutes=1)
NOTHING = Effects(
    points=0,
    granted_points=0,
    taken_back_points=0,
    given_back_points=0,
    contribution_id=None,
    reversal_id=None,
)


async def file_appeal(
    session: AsyncSession, actor: Actor, body: AppealCreate, *, now: datetime
) -> AppealFiled:
    """File an appeal against something of the caller's own.

    Raises AppealSubjectNotFound, AppealTooLate, AppealAlreadyFiled, EvidencePhotoNotFound.
    """
    subject = await _get_own_subject(session, actor, body.kind, body.subject_id)
    return await _file(session, actor, body, subject, now=now)


async def file_appeal_for_resident(
    session: AsyncSession, actor: Actor, body: AppealCreate, *, now: datetime
) -> AppealFiled:
    """File an appeal for a resident without a phone, of a grid the caller works in.

    Raises FilesThemselves where they have an account, and as file_appeal.
    """
    subject = await queries.get_subject(session, actor.community, body.kind, body.subject_id)
    if (
        subject is None
        or subject.resident_state != ResidentState.ACTIVE
        or not actor.may(Permission.CONTRIBUTIONS_ENTER, at=Place(grid_id=subject.grid_id))
    ):
        raise AppealSubjectNotFound
    if subject.person_id is not None:
        raise FilesThemselves
    return await _file(session, actor, body, subject, now=now)


async def get_window(
    session: AsyncSession, actor: Actor, kind: AppealKind, subject_id: int, *, now: datetime
) -> AppealWindow:
    """Tell until when something of the caller's own can be appealed against."""
    subject = await _get_own_subject(session, actor, kind, subject_id)
    until = await _deadline(session, actor.community, subject)
    there = await queries.find_appeal(
        session, actor.community, kind, subject_id, decided_at=subject.decided_at
    )
    return AppealWindow(
        kind=kind,
        subject_id=subject_id,
        until=until,
        is_possible=there is None and now < until,
        appeal_id=None if there is None else there.appeal_id,
        state=None if there is None else AppealState(there.state),
    )


async def withdraw_appeal(
    session: AsyncSession, actor: Actor, appeal_id: int, *, now: datetime
) -> None:
    """Take one's own appeal back before it is decided; raises AppealNotFound, AppealClosed."""
    appeal = await queries.lock_appeal(session, actor.community, appeal_id)
    if appeal is None or appeal.resident_id != actor.resident:
        raise AppealNotFound
    if appeal.state == AppealState.WITHDRAWN:
        return
    if appeal.state != AppealState.OPEN:
        raise AppealClosed
    appeal.state, appeal.decided_at = AppealState.WITHDRAWN, now
    await session.flush()


async def decide_appeal(
    session: AsyncSession, actor: Actor, appeal_id: int, body: AppealDecision, *, now: datetime
) -> None:
    """Decide an appeal and put right what is upheld; pressed again, it is done once.

    Raises AppealNotFound, AppealClosed, YouWereInvolved, OwnHouseholdAppeal, and what corrections
    refuse (correcting.py).
    """
    appeal = await queries.lock_appeal(session, actor.community, appeal_id)
    if appeal is None:
        raise AppealNotFound
    if (appeal.state, appeal.decided_by) == (body.verdict, actor.person_id):
        return
    if appeal.state != AppealState.OPEN:
        raise AppealClosed
    await _check_may_decide(session, actor, appeal_id)
    check_correction(AppealKind(appeal.kind), body.verdict, body.correction)
    await queries.decide(
        session,
        appeal,
        state=body.verdict,
        outcome=body.outcome,
        decider_id=actor.person_id,
        now=now,
    )
    await _carry_out(session, actor, appeal, body, now=now)


async def _carry_out(
    session: AsyncSession, actor: Actor, appeal: Appeal, body: AppealDecision, *, now: datetime
) -> None:
    """Put right what was upheld, keep what was done, and tell the resident."""
    here = await community.get_community(session, actor.community)
    subject = await queries.get_subject(
        session, actor.community, AppealKind(appeal.kind), appeal.subject_id
    )
    if subject is None:
        raise AppealSubjectNotFound
    effects = NOTHING
    if body.verdict is not Verdict.DISMISSED:
        ruling = Ruling(
            appeal, subject, body.correction or Correction(), actor.person_id, here.timezone, now
        )
        effects = await correct(session, ruling)
    stored = effects.model_dump(mode="json")
    await queries.set_effects(session, actor.community, appeal.appeal_id, stored)
    message = decided(
        appeal.appeal_id,
        state=AppealState(body.verdict),
        subject_name=subject.name,
        outcome=body.outcome,
        effects=effects,
        decided_at=now,
    )
    await tell_resident(
        session, actor.community, appeal.resident_id, message, timezone=here.timezone, now=now
    )


async def _check_may_decide(session: AsyncSession, actor: Actor, appeal_id: int) -> None:
    decider = await queries.get_decider(session, actor.community, appeal_id, actor.person_id)
    if policies.may_decide(decider):
        return
    raise YouWereInvolved if decider.is_involved else OwnHouseholdAppeal


async def _get_own_subject(
    session: AsyncSession, actor: Actor, kind: AppealKind, subject_id: int
) -> Record:
    subject = await queries.get_subject(session, actor.community, kind, subject_id)
    if subject is None or subject.resident_id != actor.resident:
        raise AppealSubjectNotFound
    return subject


async def _deadline(session: AsyncSession, community_id: int, subject: Record) -> datetime:
    here = await community.get_community(session, community_id)
    days = await rules.get_appeal_days(session, community_id, decided_at=subject.decided_at)
    return policies.days_after(subject.decided_at, days.to_file, here.timezone)


async def _file(
    session: AsyncSession, actor: Actor, body: AppealCreate, subject: Record, *, now: datetime
) -> AppealFiled:
    here = await community.get_community(session, actor.community)
    days = await rules.get_appeal_days(session, actor.community, decided_at=subject.decided_at)
    until = policies.days_after(subject.decided_at, days.to_file, here.timezone)
    if now >= until:
        last_day = day_in(here.timezone, until - MINUTE).isoformat()
        raise AppealTooLate(until=local_time(here.timezone, until), last_day=last_day)
    there = await queries.find_appeal(
        session, actor.community, body.kind, body.subject_id, decided_at=subject.decided_at
    )
    if there is not None:
        raise AppealAlreadyFiled
    appeal_id = new_id(now)
    answer_until = policies.days_after(now, days.to_answer, here.timezone)
    await queries.file_appeal(
        session,
        {
            "community_id": actor.community,
            "appeal_id": appeal_id,
            "kind": body.kind.value,
            "subject_id": body.subject_id,
            "resident_id": subject.resident_id,
            "household_id": subject.household_id,
            "text": body.text,
            "filed_by": actor.person_id,
            "now": now,
            "answer_until": answer_until,
        },
    )
    await attach_photos(
        session, actor.community, appeal_id, body.photo_ids, person_id=actor.person_id
    )
    return AppealFiled(appeal_id=appeal_id, answer_until=answer_until)
