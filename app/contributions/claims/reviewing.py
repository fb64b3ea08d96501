"""Others look at a claim and say whether it is right."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.claims import awarding, policies, queries
from app.contributions.claims.errors import (
    AlreadyReviewed,
    ClaimDecided,
    ClaimNotFound,
    EnteredByYou,
    OwnClaim,
)
from app.contributions.claims.judging import get_rule_of
from app.contributions.claims.models import Claim, ClaimState, ReviewVerdict
from app.contributions.claims.schemas import ClaimReviewed, ReviewCreate
from app.core.access import Actor, Permission


async def review_claim(
    session: AsyncSession, actor: Actor, claim_id: int, body: ReviewCreate, *, now: datetime
) -> ClaimReviewed:
    """Write one's verdict: the first refusal refuses the claim, enough approvals decide it.

    The same verdict pressed again changes nothing. Raises ClaimNotFound, OwnClaim, EnteredByYou,
    SameHousehold, HouseholdHasReviewed, AlreadyReviewed, ClaimDecided and what an award may be
    refused for.
    """
    grids = policies.grids_of(actor, Permission.CONTRIBUTIONS_REVIEW)
    claim = await queries.lock_claim(session, actor.community, claim_id, grid_ids=grids)
    if claim is None:
        raise ClaimNotFound
    _check_may_review(actor, claim)
    before = await queries.get_review(session, actor.community, claim_id, actor.person_id)
    if before is not None and before.verdict == body.verdict:
        return _reviewed(claim, body.verdict)
    if before is not None:
        raise AlreadyReviewed
    if claim.state != ClaimState.IN_REVIEW:
        raise ClaimDecided(state=claim.state)
    await queries.add_review(
        session, claim, actor.person_id, verdict=body.verdict, reason=body.reason, now=now
    )
    if body.verdict is ReviewVerdict.REFUSE:
        await awarding.refuse(session, claim, body.reason or "", now=now)
    else:
        await _count_approval(session, claim, checked_by=actor.person_id, now=now)
    return _reviewed(claim, body.verdict)


def _check_may_review(actor: Actor, claim: Claim) -> None:
    """Say what is wrong before the database does; households only it compares."""
    if policies.is_own(actor, claim):
        raise OwnClaim
    if policies.has_entered(actor, claim):
        raise EnteredByYou


async def _count_approval(
    session: AsyncSession, claim: Claim, *, checked_by: int, now: datetime
) -> None:
    claim.approvals += 1
    await session.flush()
    if claim.approvals < claim.review_level:
        return
    rule = await get_rule_of(session, claim)
    resident = await awarding.find_claimant(session, claim.community_id, claim.resident_id)
    judged = await awarding.judge(session, claim, rule, resident, checked_by=checked_by, now=now)
    outcome = await awarding.approve(session, claim, rule, judged, now=now)
    if outcome is not None:
        await awarding.tell_of_award(session, claim, judged, outcome, now=now)


def _reviewed(claim: Claim, verdict: ReviewVerdict) -> ClaimReviewed:
    return ClaimReviewed(
        claim_id=claim.claim_id,
        state=ClaimState(claim.state),
        my_verdict=verdict,
        approvals=claim.approvals,
        review_level=claim.review_level,
        contribution_id=claim.contribution_id,
    )
