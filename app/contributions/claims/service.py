"""What other rooms do with claims."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.claims import awarding, queries
from app.contributions.claims.errors import ClaimNotFound, ClaimNotRefused
from app.contributions.claims.judging import get_rule_of
from app.contributions.claims.models import ClaimState
from app.contributions.service import Outcome
from app.rules.models import Effort


async def award_on_appeal(
    session: AsyncSession,
    community_id: int,
    claim_id: int,
    *,
    units: int | None,
    effort: Effort | None,
    decided_by: int,
    now: datetime,
) -> Outcome:
    """Award a refused claim after all, by the rule of its act.

    Units and effort are those of the claim unless others are given. Nobody is told here: the
    answer to the appeal does. Raises ClaimNotFound, ClaimNotRefused,
    ResidentNotFound, TooManyUnits, EffortMissing, NotForYou, RuleChanged.
    """
    claim = await queries.lock_claim(session, community_id, claim_id)
    if claim is None:
        raise ClaimNotFound
    if claim.state != ClaimState.REFUSED:
        raise ClaimNotRefused(state=claim.state)
    rule = await get_rule_of(session, claim)
    resident = await awarding.find_claimant(session, community_id, claim.resident_id)
    judged = await awarding.judge(
        session, claim, rule, resident,
        checked_by=decided_by, units=units, effort=effort, now=now,
    )  # fmt: skip
    return await awarding.award(session, claim, judged, now=now, state=ClaimState.AWARDED_ON_APPEAL)
