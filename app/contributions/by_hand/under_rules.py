"""Awards and deductions by hand: what somebody did, judged by the rule of that day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.errors import ResidentNotFound
from app.contributions import queries as contribution_queries
from app.contributions.by_hand import hearing, policies, queries
from app.contributions.by_hand.errors import ActInTheFuture, OwnPosting
from app.contributions.by_hand.schemas import AwardCreate, DeductionCreate, PostingResult
from app.contributions.models import (
    ContributionState,
    ManualPosting,
    PostingKind,
    PostingState,
    SourceKind,
)
from app.contributions.rows import CONTRIBUTION, score_rows
from app.contributions.service import Act, award_one, evaluate_one
from app.core.access import Actor
from app.core.ids import new_id
from app.ledger.deductions import service as deductions
from app.ledger.errors import AccountUnknown
from app.rules import service as rules
from app.rules.errors import RuleOfOtherDirection, TooManyUnits
from app.rules.evaluation import Terms
from app.standings import queries as standings


@dataclass(frozen=True, slots=True)
class _Judged:
    """An act with what it is judged by."""

    act: Act
    terms: Terms
    timezone: str


async def propose(
    session: AsyncSession, actor: Actor, body: AwardCreate | DeductionCreate, *, now: datetime
) -> ManualPosting:
    """Return a proposal that could be posted now; raises what speaks against it.

    NotForYou and EffortMissing too: whoever checks an award could not say what is missing.
    """
    if not policies.may_post_for(actor, body.resident_id):
        raise OwnPosting
    acted_at = body.acted_at or now
    if acted_at > now:
        raise ActInTheFuture
    terms = await rules.get_terms_by_code(session, actor.community, body.rule_code, at=acted_at)
    _check_terms(terms, body.kind, body.units)
    await _check_resident(session, actor.community, body.resident_id)
    posting = ManualPosting(
        community_id=actor.community,
        manual_posting_id=new_id(now),
        kind=body.kind,
        state=PostingState.PROPOSED,
        resident_id=body.resident_id,
        rule_code=body.rule_code,
        units=body.units,
        acted_at=acted_at,
        is_our_fault=False,
        reason=body.reason,
        proposed_by=actor.person_id,
        proposed_at=now,
    )
    if isinstance(body, DeductionCreate):
        await hearing.open_hearing(session, posting, body, terms, now=now)
    else:
        # What campaigns would add does not matter yet.
        act = await _act_of(session, posting, terms)
        await evaluate_one(session, posting.community_id, act, terms, (), now=now)
    return posting


async def post(
    session: AsyncSession, posting: ManualPosting, *, checker_id: int, now: datetime
) -> PostingResult:
    """Post an approved award or deduction; what is refused now was fine when it was proposed."""
    await _check_resident(session, posting.community_id, posting.resident_id)
    judged = await _judge(session, posting, checker_id)
    if posting.kind == PostingKind.AWARD:
        return await _award(session, posting.community_id, judged, now=now)
    return await _deduct(session, posting.community_id, judged, now=now)


async def _check_resident(session: AsyncSession, community_id: int, resident_id: int) -> None:
    if not await queries.is_resident(session, community_id, resident_id):
        raise ResidentNotFound


def _check_terms(terms: Terms, kind: PostingKind, units: int) -> None:
    if terms.is_earning != (kind == PostingKind.AWARD):
        raise RuleOfOtherDirection
    if units > terms.max_units:
        raise TooManyUnits(max_units=terms.max_units)


async def _judge(session: AsyncSession, posting: ManualPosting, checked_by: int) -> _Judged:
    acted_at = posting.acted_at or posting.proposed_at
    terms = await rules.get_terms_by_code(
        session, posting.community_id, posting.rule_code or "", at=acted_at
    )
    _check_terms(terms, PostingKind(posting.kind), posting.units or 1)
    act = await _act_of(session, posting, terms, checked_by=checked_by)
    return _Judged(act, terms, act.timezone)


async def _act_of(
    session: AsyncSession, posting: ManualPosting, terms: Terms, *, checked_by: int | None = None
) -> Act:
    here = await community.get_community(session, posting.community_id)
    return Act(
        source_kind=SourceKind.COMMITTEE,
        source_id=posting.manual_posting_id,
        resident_id=posting.resident_id,
        occasion="",
        units=posting.units or 1,
        acted_at=posting.acted_at or posting.proposed_at,
        timezone=here.timezone,
        recorded_by=posting.proposed_by,
        memo=f"{terms.name}：{posting.reason}",
        reason=posting.reason,
        checked_by=checked_by,
    )


async def _award(
    session: AsyncSession, community_id: int, judged: _Judged, *, now: datetime
) -> PostingResult:
    bonuses = await rules.list_bonuses(session, community_id, at=judged.act.acted_at)
    item = await evaluate_one(session, community_id, judged.act, judged.terms, bonuses, now=now)
    outcome = await award_one(session, community_id, item, timezone=judged.timezone, now=now)
    granted = outcome.decision.granted_points
    return PostingResult(
        asked_points=item.points,
        moved_points=granted,
        contribution_id=item.contribution_id,
        transfer_id=item.contribution_id if granted else None,
    )


async def _deduct(
    session: AsyncSession, community_id: int, judged: _Judged, *, now: datetime
) -> PostingResult:
    act, terms = judged.act, judged.terms
    withdrawal_id, deduction_id = new_id(now), new_id(now)
    deduction = deductions.Deduction(
        withdrawal_id=withdrawal_id,
        deduction_id=deduction_id,
        account_id=act.resident_id,
        points=terms.points * act.units,
        source_kind=CONTRIBUTION,
        source_id=deduction_id,
        memo=act.memo,
        rule_version_id=terms.rule_version_id,
        maker_id=act.recorded_by,
        checker_id=act.checked_by,
        occurred_at=act.acted_at,
    )
    try:
        collected = await deductions.deduct(session, community_id, deduction, now=now)
    except AccountUnknown as unknown:
        raise ResidentNotFound from unknown
    await _record_deduction(session, community_id, judged, deduction, collected, now=now)
    return PostingResult(
        asked_points=-deduction.points,
        moved_points=-collected,
        contribution_id=deduction_id,
        transfer_id=deduction_id if collected else None,
    )


async def _record_deduction(
    session: AsyncSession,
    community_id: int,
    judged: _Judged,
    deduction: deductions.Deduction,
    collected: int,
    *,
    now: datetime,
) -> None:
    act, terms = judged.act, judged.terms
    breakdown = {
        "rule": terms.code,
        "name": terms.name,
        "points_each": terms.points,
        "units": act.units,
        "total_points": -deduction.points,
        "not_taken_points": deduction.points - collected,
    }
    row = {
        "contribution_id": deduction.deduction_id,
        "source_kind": act.source_kind,
        "source_id": act.source_id,
        "resident_id": act.resident_id,
        "occasion": act.occasion,
        "rule_id": terms.rule_id,
        "rule_version_id": terms.rule_version_id,
        "state": ContributionState.DEDUCTED,
        "units": act.units,
        "asked_points": -deduction.points,
        "granted_points": -collected,
        "breakdown": breakdown,
        "reason": act.reason,
        "recorded_by": act.recorded_by,
        "checked_by": act.checked_by,
        "acted_at": act.acted_at.isoformat(),
    }
    await contribution_queries.insert_contribution(session, community_id, row, now=now)
    scores = score_rows([(act.resident_id, act.acted_on, -collected)])
    await standings.add_scores(session, community_id, scores, now=now)
