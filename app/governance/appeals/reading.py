"""Appeals as their residents, those who decide, and everybody read them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions.evidence.service import describe_photos
from app.contributions.explaining.schemas import ContributionExplained
from app.contributions.explaining.service import Viewer, describe_hand, explain, name_hands
from app.contributions.explaining.wording import Hand
from app.core.access import Actor
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, page_of, read_cursor
from app.governance.appeals import counting, policies, queries
from app.governance.appeals.errors import AppealNotFound
from app.governance.appeals.schemas import (
    AppealRead,
    AppealStatistics,
    AppealSummary,
    ClaimReviewSeen,
    Effects,
    RefusedClaim,
    StaffAppealRead,
    StaffAppealSummary,
)
from app.governance.appeals.statistics import queries as statistics
from app.governance.models import AppealKind, AppealState

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Five years of three kinds.
MOST_COUNTED = 60


async def list_own(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int, now: datetime
) -> Page[AppealSummary]:
    """Return the caller's appeals, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_own(
        session, actor.community, actor.resident, before=before, size=size + 1, now=now
    )
    return page_of(AppealSummary, rows, size, lambda row: (row.appeal_id,))


async def get_own(
    session: AsyncSession, actor: Actor, viewer: Viewer, appeal_id: int
) -> AppealRead:
    """Return an appeal of the caller's in full; raises AppealNotFound."""
    appeal = await _get(session, viewer, appeal_id, resident_id=actor.resident)
    return AppealRead(**await _fields(session, viewer, appeal))


async def list_queue(
    session: AsyncSession,
    actor: Actor,
    *,
    state: AppealState,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[StaffAppealSummary]:
    """Return the appeals in a state, those due first before the others."""
    due, after = read_cursor(cursor, 2) or (0, -1)
    rows = await queries.list_queue(
        session,
        actor.community,
        state=state,
        decider_id=actor.person_id,
        after=(_moment(due), after),
        size=size + 1,
        now=now,
    )
    items, next_cursor = cut_page(
        rows, size, lambda row: ((row.answer_until - BEGINNING) // MICROSECOND, row.appeal_id)
    )
    read = [StaffAppealSummary.model_validate(row, from_attributes=True) for row in items]
    return Page(items=read, next_cursor=next_cursor)


async def get_for_staff(
    session: AsyncSession, actor: Actor, viewer: Viewer, appeal_id: int
) -> StaffAppealRead:
    """Return an appeal with what it is against explained; raises AppealNotFound."""
    appeal = await _get(session, viewer, appeal_id, resident_id=None)
    decider = await queries.get_decider(session, actor.community, appeal_id, actor.person_id)
    contribution: ContributionExplained | None = None
    claim: RefusedClaim | None = None
    if appeal.kind == AppealKind.REFUSAL:
        claim = await _describe_claim(session, viewer, appeal.subject_id)
    else:
        contribution = await explain(session, viewer, appeal.subject_id)
    return StaffAppealRead(
        **await _fields(session, viewer, appeal),
        resident_id=appeal.resident_id,
        masked_name=appeal.masked_name,
        may_decide=appeal.state == AppealState.OPEN and policies.may_decide(decider),
        contribution=contribution,
        claim=claim,
    )


async def get_statistics(
    session: AsyncSession, community_id: int, *, now: datetime
) -> AppealStatistics:
    """Return how a community's appeals ended; raises CommunityNotFound."""
    here = await community.get_community(session, community_id)
    rows = await statistics.count_by_quarter(
        session, community_id, timezone=here.timezone, size=MOST_COUNTED, now=now
    )
    return AppealStatistics(items=[counting.describe(row) for row in rows])


async def _get(
    session: AsyncSession, viewer: Viewer, appeal_id: int, *, resident_id: int | None
) -> Record:
    appeal = await queries.get_appeal(
        session, viewer.community_id, appeal_id, resident_id=resident_id, now=viewer.now
    )
    if appeal is None:
        raise AppealNotFound
    return appeal


async def _fields(session: AsyncSession, viewer: Viewer, appeal: Record) -> dict[str, Any]:
    """Return what a resident and staff read alike."""
    photos = await describe_photos(
        session, viewer.links, viewer.community_id, [appeal.appeal_id], now=viewer.now
    )
    decided_by = None
    if appeal.decided_by is not None:
        hands = await name_hands(session, viewer, [appeal.decided_by], resident_person=None)
        decided_by = describe_hand(hands[appeal.decided_by])
    summary = AppealSummary.model_validate(appeal, from_attributes=True)
    return dict(summary) | {
        "text": appeal.text,
        "is_filed_by_staff": appeal.is_filed_by_staff,
        "outcome": appeal.outcome,
        "effects": None if appeal.effects is None else Effects.model_validate(appeal.effects),
        "decided_by": decided_by,
        "photos": photos[appeal.appeal_id],
    }


async def _describe_claim(
    session: AsyncSession, viewer: Viewer, claim_id: int
) -> RefusedClaim | None:
    claim = await queries.get_claim(session, viewer.community_id, claim_id)
    if claim is None:
        return None
    reviews = await queries.list_reviews(session, viewer.community_id, claim_id)
    hands = await name_hands(
        session,
        viewer,
        [claim.claimed_by, *(review.reviewer_id for review in reviews)],
        resident_person=claim.person_id,
    )
    photos = await describe_photos(
        session, viewer.links, viewer.community_id, [claim_id], now=viewer.now
    )
    return RefusedClaim(
        claim_id=claim_id,
        rule_code=claim.rule_code,
        rule_name=claim.rule_name,
        units=claim.units,
        effort=claim.effort,
        acted_at=claim.acted_at,
        acted_until=claim.acted_until,
        note=claim.note,
        claimed_at=claim.claimed_at,
        claimed_by=describe_hand(hands[claim.claimed_by]),
        decided_at=claim.decided_at,
        reason=claim.reason,
        reviews=_seen(reviews, hands),
        photos=photos[claim_id],
    )


def _seen(reviews: Sequence[Record], hands: Mapping[int, Hand]) -> list[ClaimReviewSeen]:
    return [
        ClaimReviewSeen(
            by=describe_hand(hands[review.reviewer_id]),
            verdict=review.verdict,
            reason=review.reason,
            reviewed_at=review.reviewed_at,
        )
        for review in reviews
    ]


def _moment(microseconds: int) -> datetime:
    """Return the moment of a cursor; one that no cursor has is the nearest that the clock has."""
    most = (datetime.max.replace(tzinfo=UTC) - BEGINNING) // MICROSECOND
    return BEGINNING + MICROSECOND * min(max(microseconds, 0), most)
