"""Proposing, deciding and withdrawing changes of rules."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.service import get_community
from app.core.access import Actor
from app.core.calendar import day_in, local_time
from app.core.ids import new_id
from app.notices import service as notices
from app.notices.models import NoticeKind
from app.notifications.service import notify
from app.rules import queries as rule_queries
from app.rules.book.campaigns import midnight
from app.rules.changes import adopting, checking, messages, policies, queries
from app.rules.changes.errors import (
    DeciderIsProposer,
    EffectiveTooEarly,
    NoticeStillOpen,
    NoticeTooShort,
    NotYourRuleChange,
    ObjectionsUnanswered,
    ObjectionUpheld,
    RuleChangeDecided,
    RuleChangeNotFound,
)
from app.rules.changes.reading import describe
from app.rules.changes.schemas import AnyChange, RuleChangeRead
from app.rules.models import ChangeState, RuleChange


async def propose(
    session: AsyncSession,
    actor: Actor,
    *,
    title: str,
    reason: str,
    changes: Sequence[AnyChange],
    effective_on: date,
    notice_days: int | None = None,
    now: datetime,
) -> RuleChangeRead:
    """Put changes of rules to public notice; whatever can be refused is refused now.

    The notice lasts as many full local days as the procedure says, or as asked if that is more.
    """
    community_id = actor.community
    timezone = (await get_community(session, community_id)).timezone
    procedure = await rule_queries.lock_procedure(session, community_id)
    days = procedure.rule_notice_days if notice_days is None else notice_days
    if days < procedure.rule_notice_days:
        raise NoticeTooShort(least_days=procedure.rule_notice_days)
    last_day = policies.last_day_of_notice(timezone, days, now)
    closes_at = midnight(last_day + timedelta(days=1), timezone)
    checked = await checking.check_changes(session, procedure, changes)
    effective_from = _effective_from(timezone, effective_on, closes_at, *checked.bases)
    public_notice_id = await notices.publish(
        session, community_id, kind=NoticeKind.RULE_CHANGE, title=title, closes_at=closes_at,
        published_by=actor.person_id, now=now,
    )  # fmt: skip
    change = RuleChange(
        community_id=community_id,
        rule_change_id=new_id(now),
        title=title,
        reason=reason,
        changes=checked.stored,
        state=ChangeState.IN_NOTICE,
        public_notice_id=public_notice_id,
        notice_until=closes_at,
        effective_from=effective_from,
        proposed_by=actor.person_id,
        proposed_at=now,
    )
    session.add(change)
    await session.flush()
    return await describe(session, change, actor)


async def adopt(
    session: AsyncSession,
    actor: Actor,
    rule_change_id: int,
    *,
    effective_on: date | None,
    now: datetime,
) -> RuleChangeRead:
    """Let somebody else's change of rules come into force on its day, or on a later one.

    The procedure holds from now on, for what begins from now on. Pressed twice, it is adopted once.
    Raises NoticeStillOpen, ObjectionsUnanswered, ObjectionUpheld, EffectiveTooEarly,
    RuleChangedMeanwhile.
    """
    change = await _lock(session, actor, rule_change_id)
    if _is_done(actor, change, ChangeState.ADOPTED):
        return await describe(session, change, actor)
    outcome = await _check_may_decide(session, actor, change, now=now)
    if outcome.upheld:
        raise ObjectionUpheld
    timezone = (await get_community(session, change.community_id)).timezone
    if effective_on is not None:
        proposed_on = day_in(timezone, change.effective_from)
        if effective_on < proposed_on:
            raise EffectiveTooEarly(earliest_on=str(proposed_on))
        change.effective_from = midnight(effective_on, timezone)
    if change.effective_from <= now:
        raise EffectiveTooEarly(earliest_on=str(policies.day_after(timezone, now)))
    procedure = await rule_queries.lock_procedure(session, change.community_id)
    await adopting.bring_into_force(session, change, procedure, now=now)
    return await _close(session, actor, change, ChangeState.ADOPTED, now=now)


async def reject(
    session: AsyncSession, actor: Actor, rule_change_id: int, *, reason: str, now: datetime
) -> RuleChangeRead:
    """Turn somebody else's change of rules down, once everybody was heard."""
    change = await _lock(session, actor, rule_change_id)
    if _is_done(actor, change, ChangeState.REJECTED):
        return await describe(session, change, actor)
    await _check_may_decide(session, actor, change, now=now)
    change.decision_reason = reason
    return await _close(session, actor, change, ChangeState.REJECTED, now=now)


async def withdraw(
    session: AsyncSession, actor: Actor, rule_change_id: int, *, now: datetime
) -> RuleChangeRead:
    """Take one's own change back, with its notice."""
    change = await _lock(session, actor, rule_change_id)
    if _is_done(actor, change, ChangeState.WITHDRAWN):
        return await describe(session, change, actor)
    if not policies.may_withdraw(actor, change):
        raise NotYourRuleChange
    await notices.withdraw(session, change.community_id, change.public_notice_id, now=now)
    return await _close(session, actor, change, ChangeState.WITHDRAWN, now=now)


def _effective_from(timezone: str, effective_on: date, *after: datetime) -> datetime:
    """Return when that day begins there; it must be after all of these moments."""
    earliest = policies.day_after(timezone, *after)
    if effective_on < earliest:
        raise EffectiveTooEarly(earliest_on=str(earliest))
    return midnight(effective_on, timezone)


async def _lock(session: AsyncSession, actor: Actor, rule_change_id: int) -> RuleChange:
    """Return the change, locked: whoever comes second sees what the first one decided."""
    change = await queries.lock_change(session, actor.community, rule_change_id)
    if change is None:
        raise RuleChangeNotFound
    return change


def _is_done(actor: Actor, change: RuleChange, state: ChangeState) -> bool:
    """Tell whether the caller has decided just this before; raises RuleChangeDecided otherwise."""
    if change.state == ChangeState.IN_NOTICE:
        return False
    if change.state != state or change.decided_by != actor.person_id:
        raise RuleChangeDecided(state=change.state)
    return True


async def _check_may_decide(
    session: AsyncSession, actor: Actor, change: RuleChange, *, now: datetime
) -> notices.NoticeOutcome:
    """Return what the notice has come to, with the door closed to further objections."""
    if not policies.may_decide(actor, change):
        raise DeciderIsProposer
    number = change.public_notice_id
    outcomes = await notices.lock_outcomes(session, change.community_id, [number], now=now)
    outcome = outcomes[number]
    if not outcome.is_over:
        timezone = (await get_community(session, change.community_id)).timezone
        raise NoticeStillOpen(until=local_time(timezone, change.notice_until))
    if outcome.unanswered_count:
        raise ObjectionsUnanswered(count=outcome.unanswered_count)
    return outcome


async def _close(
    session: AsyncSession, actor: Actor, change: RuleChange, state: ChangeState, *, now: datetime
) -> RuleChangeRead:
    change.state = state
    change.decided_by = actor.person_id
    change.decided_at = now
    await session.flush()
    if state is not ChangeState.WITHDRAWN:
        await notices.settle(session, change.community_id, change.public_notice_id, now=now)
        timezone = (await get_community(session, change.community_id)).timezone
        message = messages.decision_message(change, timezone=timezone)
        await notify(session, change.community_id, [message], now=now)
    return await describe(session, change, actor)
