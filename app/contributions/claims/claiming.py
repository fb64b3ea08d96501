"""Making a claim, oneself or for a resident, and taking it back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.cards.service import RESIDENT_KINDS, find_scanned_resident
from app.community.errors import ResidentNotFound
from app.contributions.claims import awarding, policies, queries
from app.contributions.claims.errors import ClaimantUnnamed, ClaimDecided, ClaimNotFound, OwnEntry
from app.contributions.claims.judging import (
    ClaimRule,
    check_evidence,
    check_times,
    get_rule,
)
from app.contributions.claims.models import Claim, ClaimState
from app.contributions.claims.reading import Viewer, get_own
from app.contributions.claims.schemas import (
    ClaimCreate,
    ClaimCreateForResident,
    ClaimFiled,
    ClaimRead,
)
from app.contributions.evidence.service import attach_photos
from app.contributions.posting import AwardItem
from app.contributions.service import Outcome
from app.core.access import Actor, Permission
from app.core.database import Record
from app.core.ids import new_id
from app.core.signing import KeyRing
from app.identity.consents.service import require_consent
from app.identity.models import Purpose
from app.media.service import attach_check_text


@dataclass(frozen=True, slots=True)
class Claimant:
    """The resident whose claim it is, and whether they make it themselves."""

    resident_id: int
    is_in_person: bool


async def make_claim(
    session: AsyncSession, actor: Actor, claimant: Claimant, body: ClaimCreate, *, now: datetime
) -> ClaimFiled:
    """Take a claim: whatever can be refused is refused now, what nobody reviews is awarded."""
    if claimant.is_in_person:
        await require_consent(session, actor.community, actor.person_id, Purpose.SERVICE)
    acted_at = check_times(body, now=now)
    rule = await get_rule(session, actor.community, body.rule_code, at=acted_at)
    check_evidence(rule, body, acted_at)
    dated = body.model_copy(update={"acted_at": acted_at})
    resident = await awarding.find_claimant(session, actor.community, claimant.resident_id)
    claim = _draft(actor, claimant, dated, rule, resident, now=now)
    judged = await awarding.judge(session, claim, rule, resident, checked_by=None, now=now)
    await queries.add_claim(session, claim)
    await _attach(session, actor, claim, body, now)
    outcome = None
    if rule.review_level == 0:
        outcome = await awarding.approve(session, claim, rule, judged, now=now)
    if outcome is not None and not claimant.is_in_person:
        await awarding.tell_of_award(session, claim, judged, outcome, now=now)
    return _filed(claim, judged.item, outcome)


def _draft(
    actor: Actor,
    claimant: Claimant,
    body: ClaimCreate,
    rule: ClaimRule,
    resident: Record,
    *,
    now: datetime,
) -> Claim:
    return Claim(
        community_id=actor.community,
        claim_id=new_id(now),
        resident_id=claimant.resident_id,
        household_id=resident.household_id,
        rule_id=rule.terms.rule_id,
        rule_version_id=rule.terms.rule_version_id,
        units=body.units,
        effort=body.effort,
        mode=body.mode,
        acted_at=body.acted_at,
        acted_until=body.acted_until,
        note=body.note,
        shows_deed=body.shows_deed,
        state=ClaimState.IN_REVIEW,
        review_level=rule.review_level,
        approvals=0,
        claimed_by=actor.person_id,
        claimed_at=now,
    )


async def _attach(
    session: AsyncSession, actor: Actor, claim: Claim, body: ClaimCreate, now: datetime
) -> None:
    await attach_photos(
        session, claim.community_id, claim.claim_id, body.photo_ids, person_id=actor.person_id
    )
    if claim.note:
        await attach_check_text(
            session, claim.community_id,
            subject_id=claim.claim_id, person_id=actor.person_id, text=claim.note, now=now,
        )  # fmt: skip


def _filed(claim: Claim, item: AwardItem, outcome: Outcome | None) -> ClaimFiled:
    decision = None if outcome is None else outcome.decision
    return ClaimFiled(
        claim_id=claim.claim_id,
        state=ClaimState(claim.state),
        rule_name=item.terms.name,
        review_level=claim.review_level,
        worth_points=item.points,
        granted_points=None if decision is None else decision.granted_points,
        caps_hit=[] if decision is None else list(decision.caps_hit),
        balance_points=None if outcome is None else outcome.posted,
    )


async def named_resident(
    session: AsyncSession,
    actor: Actor,
    body: ClaimCreateForResident,
    *,
    keys: KeyRing,
    now: datetime,
) -> int:
    """Return for whom staff enter: by number one of their grids, by code whoever is there.

    Raises ClaimantUnnamed, ResidentNotFound, OwnEntry, and what codes refuse.
    """
    if (body.resident_id is None) == (body.resident_code is None):
        raise ClaimantUnnamed
    if body.resident_code is not None:
        code = keys.codes.read_scanned(
            body.resident_code, kinds=RESIDENT_KINDS, community_id=actor.community, now=now
        )
        resident_id = await find_scanned_resident(session, code, now=now)
    else:
        resident_id = body.resident_id or 0
        grids = policies.grids_of(actor, Permission.CONTRIBUTIONS_ENTER)
        resident = await queries.get_claimant(session, actor.community, resident_id)
        if resident is None or (grids is not None and resident.grid_id not in grids):
            raise ResidentNotFound
    if not policies.may_enter_for(actor, resident_id):
        raise OwnEntry
    return resident_id


async def withdraw_claim(
    session: AsyncSession, viewer: Viewer, actor: Actor, claim_id: int
) -> ClaimRead:
    """Take one's own claim back before it is decided; pressed again, the answer is the same."""
    claim = await queries.lock_claim(session, actor.community, claim_id, resident_id=actor.resident)
    if claim is None:
        raise ClaimNotFound
    if claim.state in policies.OPEN:
        claim.state, claim.decided_at = ClaimState.WITHDRAWN, viewer.now
        await session.flush()
    elif claim.state != ClaimState.WITHDRAWN:
        raise ClaimDecided(state=claim.state)
    return await get_own(session, viewer, actor.resident, claim_id)
