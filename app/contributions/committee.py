"""What the committee posts by hand: an award or a deduction under a rule, with a reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.errors import ResidentNotFound
from app.contributions import policies, queries
from app.contributions.errors import ActInTheFuture, OwnPosting
from app.contributions.models import ContributionState, SourceKind
from app.contributions.schemas import ContributionRead, PostingCreate
from app.contributions.service import (
    CONTRIBUTION,
    Act,
    award_one,
    evaluate_act,
    score_rows,
)
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.ids import new_id
from app.ledger import service as ledger
from app.ledger.errors import AccountUnknown
from app.rules import service as rules
from app.rules.errors import RuleOfOtherDirection, TooManyUnits
from app.rules.evaluation import Terms
from app.standings import queries as standings


@dataclass(frozen=True, slots=True)
class _Context:
    """A posting with what it is judged by."""

    act: Act
    terms: Terms
    timezone: str


async def post_award(
    session: AsyncSession, actor: Actor, body: PostingCreate, *, now: datetime
) -> ContributionRead:
    """Give points under an earning rule, campaigns and caps included."""
    context = await _prepare(session, actor, body, now=now)
    bonuses = await rules.list_bonuses(session, actor.community, at=context.act.acted_at)
    item = evaluate_act(context.act, context.terms, bonuses, now=now)
    outcome = await award_one(session, actor.community, item, timezone=context.timezone, now=now)
    granted = outcome.decision.granted_points
    return _describe(
        context,
        contribution_id=item.contribution_id,
        asked=item.points,
        granted=granted,
        state=ContributionState.AWARDED if granted else ContributionState.CAPPED,
    )


async def post_deduction(
    session: AsyncSession, actor: Actor, body: PostingCreate, *, now: datetime
) -> ContributionRead:
    """Take points under a costing rule; what the wallet cannot give is recorded as not taken."""
    context = await _prepare(session, actor, body, now=now)
    act, terms = context.act, context.terms
    if terms.is_earning:
        raise RuleOfOtherDirection
    if act.units > terms.max_units:
        raise TooManyUnits(max_units=terms.max_units)
    deduction_id = new_id(now)
    deduction = ledger.Deduction(
        deduction_id=deduction_id,
        account_id=act.resident_id,
        points=terms.points * act.units,
        source_kind=CONTRIBUTION,
        source_id=deduction_id,
        memo=act.memo,
        rule_version_id=terms.rule_version_id,
        maker_id=actor.person_id,
        occurred_at=act.acted_at,
    )
    try:
        collected = await ledger.deduct(session, actor.community, deduction, now=now)
    except AccountUnknown as unknown:
        raise ResidentNotFound from unknown
    await _record_deduction(session, actor.community, context, deduction, collected, now=now)
    return _describe(
        context,
        contribution_id=deduction.deduction_id,
        asked=-deduction.points,
        granted=-collected,
        state=ContributionState.DEDUCTED,
    )


async def _prepare(
    session: AsyncSession, actor: Actor, body: PostingCreate, *, now: datetime
) -> _Context:
    if not policies.may_post_for(actor, body.resident_id):
        raise OwnPosting
    acted_at = body.acted_at or now
    if acted_at > now:
        raise ActInTheFuture
    here = await community.get_community(session, actor.community)
    terms = await rules.get_terms_by_code(session, actor.community, body.rule_code, at=acted_at)
    act = Act(
        source_kind=SourceKind.COMMITTEE,
        source_id=new_id(now),
        resident_id=body.resident_id,
        occasion="",
        units=body.units,
        acted_at=acted_at,
        acted_on=day_in(here.timezone, acted_at),
        recorded_by=actor.person_id,
        memo=f"{terms.name}：{body.reason}",
        reason=body.reason,
    )
    return _Context(act, terms, here.timezone)


async def _record_deduction(
    session: AsyncSession,
    community_id: int,
    context: _Context,
    deduction: ledger.Deduction,
    collected: int,
    *,
    now: datetime,
) -> None:
    act, terms = context.act, context.terms
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
        "acted_at": act.acted_at.isoformat(),
    }
    await queries.insert_contribution(session, community_id, row, now=now)
    scores = score_rows([(act.resident_id, act.acted_on, -collected)])
    await standings.add_scores(session, community_id, scores, now=now)


def _describe(
    context: _Context, *, contribution_id: int, asked: int, granted: int, state: ContributionState
) -> ContributionRead:
    return ContributionRead(
        contribution_id=contribution_id,
        resident_id=context.act.resident_id,
        state=state,
        asked_points=asked,
        granted_points=granted,
        rule_code=context.terms.code,
        reason=context.act.reason or "",
        acted_at=context.act.acted_at,
    )
