"""What a claim is judged by: the rule version in force when it was done, and what that asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.by_hand.errors import ActInTheFuture
from app.contributions.claims.errors import (
    ActEndsTooEarly,
    ActTooLong,
    ActTooLongAgo,
    MoreHoursThanTimes,
    NotClaimable,
    ProofNoteMissing,
    ProofPhotoMissing,
    ProofTimesMissing,
)
from app.contributions.claims.models import Claim
from app.contributions.claims.schemas import ClaimCreate
from app.contributions.models import SourceKind
from app.contributions.posting import AwardItem
from app.contributions.service import Act, evaluate_acts
from app.core.database import Record
from app.rules import queries as rule_queries
from app.rules import service as rules
from app.rules.errors import RuleNotFound
from app.rules.evaluation import Terms
from app.rules.models import Effort, Evidence, Mode, RuleVersion

# A month's duty can still be claimed when its month is over; of what lies further back, reviewers
# and neighbours could not tell any more whether it was so.
LONGEST_AGO = timedelta(days=60)
# A camp of volunteers; what overlaps with it is looked for so far back (signals).
LONGEST = timedelta(days=7)
SHORTEST_NOTE = 10
HOUR = timedelta(hours=1)
PER_HOUR = "hour"


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """A rule version as claims need it: its terms, and how a claim under it is decided."""

    terms: Terms
    unit: str
    is_claimable: bool
    evidence: frozenset[Evidence]
    review_level: int
    notice_days: int


async def get_rule(
    session: AsyncSession, community_id: int, code: str, *, at: datetime
) -> ClaimRule:
    """Return a rule as it stood at a moment; raises RuleNotFound."""
    found = await rule_queries.list_versions_in_force(session, community_id, at=at, codes=[code])
    if not found:
        raise RuleNotFound
    rule, version, policy = found[0]
    return _claim_rule(rules.terms_of(rule, version, policy), version)


async def get_rule_of(session: AsyncSession, claim: Claim) -> ClaimRule:
    """Return the rule version that a claim was made under."""
    found = await rule_queries.list_versions(session, claim.community_id, [claim.rule_version_id])
    rule, version, policy = found[0]
    return _claim_rule(rules.terms_of(rule, version, policy), version)


def _claim_rule(terms: Terms, version: RuleVersion) -> ClaimRule:
    return ClaimRule(
        terms=terms,
        unit=version.unit,
        is_claimable=version.is_claimable and terms.is_earning,
        evidence=frozenset(Evidence(kind) for kind in version.evidence),
        review_level=version.review_level,
        notice_days=version.award_notice_days,
    )


def check_times(body: ClaimCreate, *, now: datetime) -> datetime:
    """Return when it was done.

    Raises ActInTheFuture, ActTooLongAgo, ActEndsTooEarly, ActTooLong.
    """
    acted_at = body.acted_at or now
    if max(acted_at, body.acted_until or acted_at) > now:
        raise ActInTheFuture
    if acted_at < now - LONGEST_AGO:
        raise ActTooLongAgo(days=LONGEST_AGO.days)
    if body.acted_until is not None and body.acted_until <= acted_at:
        raise ActEndsTooEarly
    if body.acted_until is not None and body.acted_until - acted_at > LONGEST:
        raise ActTooLong(days=LONGEST.days)
    return acted_at


def check_evidence(rule: ClaimRule, body: ClaimCreate, acted_at: datetime) -> None:
    """Refuse what the rule does not let be claimed, or not without more to show for it."""
    if not rule.is_claimable:
        raise NotClaimable
    if Evidence.PHOTO in rule.evidence and not body.photo_ids:
        raise ProofPhotoMissing
    if Evidence.NOTE in rule.evidence and len(body.note) < SHORTEST_NOTE:
        raise ProofNoteMissing(min_characters=SHORTEST_NOTE)
    if Evidence.TIMES in rule.evidence and body.acted_until is None:
        raise ProofTimesMissing
    if rule.unit == PER_HOUR and body.acted_until is not None:
        _check_hours(body.units, body.acted_until - acted_at)


def _check_hours(units: int, lasted: timedelta) -> None:
    """An hour that was begun counts."""
    hours = -(-lasted // HOUR)
    if units > hours:
        raise MoreHoursThanTimes(max_units=hours)


def act_of(
    claim: Claim | Record,
    terms: Terms,
    *,
    timezone: str,
    checked_by: int | None,
    units: int | None = None,
    effort: Effort | None = None,
) -> Act:
    """Return the act that a claim states, unless whoever decides has found other units or effort.

    The note stays with the claim: a memo stands in the book for ever.
    """
    stated = None if claim.effort is None else Effort(claim.effort)
    return Act(
        source_kind=SourceKind.CLAIM,
        source_id=claim.claim_id,
        resident_id=claim.resident_id,
        occasion="",
        units=units or claim.units,
        acted_at=claim.acted_at,
        timezone=timezone,
        recorded_by=claim.claimed_by,
        memo=terms.name,
        checked_by=checked_by,
        effort=effort or stated,
        mode=Mode(claim.mode),
    )


async def evaluate_claims(
    session: AsyncSession,
    community_id: int,
    claims: Sequence[Record],
    *,
    timezone: str,
    now: datetime,
) -> list[AwardItem]:
    """Return what many claims ask for; those whose rule is not for their resident are left out.

    Each is checked by its `checked_by`.
    """
    if not claims:
        return []
    versions = {claim.rule_version_id for claim in claims}
    terms: Mapping[int, Terms] = await rules.list_terms_of_versions(
        session, community_id, sorted(versions)
    )
    moments = [claim.acted_at for claim in claims]
    bonuses = await rules.list_bonuses(session, community_id, at=max(moments), since=min(moments))
    acts = []
    for claim in claims:
        judged = terms[claim.rule_version_id]
        act = act_of(claim, judged, timezone=timezone, checked_by=claim.checked_by)
        acts.append((act, judged))
    return await evaluate_acts(session, community_id, acts, bonuses, now=now)
