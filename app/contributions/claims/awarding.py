"""What follows once a claim is approved or refused; the caller holds the claim's row."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.errors import ResidentNotFound
from app.contributions.claims import messages, queries
from app.contributions.claims.judging import ClaimRule, act_of, get_rule_of
from app.contributions.claims.models import Claim, ClaimState
from app.contributions.posting import AwardItem
from app.contributions.service import Outcome, award_one, evaluate_one
from app.contributions.telling.service import tell_resident
from app.core.database import Record
from app.notifications.service import notify
from app.rules import service as rules
from app.rules.models import Effort


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """What a claim asks for, and for whom: `resident` as `find_claimant` returns them."""

    item: AwardItem
    resident: Record
    timezone: str


async def find_claimant(session: AsyncSession, community_id: int, resident_id: int) -> Record:
    """Return (household_id, grid_id, person_id); raises ResidentNotFound if they have left."""
    resident = await queries.get_claimant(session, community_id, resident_id)
    if resident is None:
        raise ResidentNotFound
    return resident


async def judge(
    session: AsyncSession,
    claim: Claim,
    rule: ClaimRule,
    resident: Record,
    *,
    checked_by: int | None,
    now: datetime,
    units: int | None = None,
    effort: Effort | None = None,
) -> JudgedClaim:
    """Evaluate a claim by the rule version and the campaigns of its act.

    Raises TooManyUnits, OtherMode, EffortMissing, NotForYou.
    """
    here = await community.get_community(session, claim.community_id)
    act = act_of(
        claim, rule.terms,
        timezone=here.timezone, checked_by=checked_by, units=units, effort=effort,
    )  # fmt: skip
    bonuses = await rules.list_bonuses(session, claim.community_id, at=claim.acted_at)
    item = await evaluate_one(session, claim.community_id, act, rule.terms, bonuses, now=now)
    return JudgedClaim(item, resident, here.timezone)


async def approve(
    session: AsyncSession, claim: Claim, rule: ClaimRule, judged: JudgedClaim, *, now: datetime
) -> Outcome | None:
    """Award a claim that enough people have approved, or let it wait for the public list."""
    if rule.notice_days > 0:
        claim.state = ClaimState.APPROVED
        await session.flush()
        return None
    return await award(session, claim, judged, now=now)


async def award(
    session: AsyncSession,
    claim: Claim,
    judged: JudgedClaim,
    *,
    now: datetime,
    state: ClaimState = ClaimState.AWARDED,
) -> Outcome:
    """Award a claim; raises ResidentNotFound, RuleChanged."""
    item = judged.item
    outcome = await award_one(session, claim.community_id, item, timezone=judged.timezone, now=now)
    recorded = outcome.decision.recorded
    claim.contribution_id = item.contribution_id if recorded is None else recorded.contribution_id
    claim.state, claim.decided_at = state, now
    await session.flush()
    return outcome


async def tell_of_award(
    session: AsyncSession, claim: Claim, judged: JudgedClaim, outcome: Outcome, *, now: datetime
) -> None:
    """Tell the resident, if they have a phone."""
    if judged.resident.person_id is None:
        return
    notice = messages.awarded_notice(
        judged.resident.person_id, claim.claim_id, judged.item.terms.name,
        points=outcome.decision.granted_points, asked=outcome.decision.asked_points,
        at=messages.shown_time(judged.timezone, now),
    )  # fmt: skip
    await notify(session, claim.community_id, [notice], now=now)


async def refuse(session: AsyncSession, claim: Claim, reason: str, *, now: datetime) -> None:
    """Refuse a claim, and tell the resident why, or whoever calls on them if they have no phone."""
    claim.state, claim.reason, claim.decided_at = ClaimState.REFUSED, reason, now
    await session.flush()
    resident = await queries.get_claimant(session, claim.community_id, claim.resident_id)
    if resident is None:
        return
    rule = await get_rule_of(session, claim)
    here = await community.get_community(session, claim.community_id)
    procedure = await rules.get_procedure(session, claim.community_id)
    if resident.person_id is None:
        message = messages.refused_message(
            claim.claim_id, rule.terms.name,
            reason=reason, appeal_days=procedure.appeal_days, now=now,
        )  # fmt: skip
        await tell_resident(
            session, claim.community_id, claim.resident_id, message,
            timezone=here.timezone, now=now,
        )  # fmt: skip
        return
    notice = messages.refused_notice(
        resident.person_id, claim.claim_id, rule.terms.name,
        reason=reason, appeal_days=procedure.appeal_days,
        at=messages.shown_time(here.timezone, now),
    )  # fmt: skip
    await notify(session, claim.community_id, [notice], now=now)
