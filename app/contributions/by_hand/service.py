"""Proposing, checking and withdrawing postings by hand."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.by_hand import hearing, policies, queries, under_rules, undoing
from app.contributions.by_hand.errors import (
    NotTheProposer,
    OwnPosting,
    PostingDecided,
    PostingNotFound,
)
from app.contributions.by_hand.schemas import (
    AwardCreate,
    DeductionCreate,
    PostingCreate,
    PostingRead,
    PostingResult,
)
from app.contributions.evidence import service as evidence
from app.contributions.evidence.schemas import EvidencePhotoRead
from app.contributions.models import ManualPosting, PostingKind, PostingState
from app.contributions.repairs.queries import is_of_household
from app.core.access import Actor
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, read_cursor
from app.ledger.errors import CheckerIsMaker
from app.media.addresses import PhotoLinks

UNDER_RULES = (PostingKind.AWARD, PostingKind.DEDUCTION)


async def propose_posting(
    session: AsyncSession, links: PhotoLinks, actor: Actor, body: PostingCreate, *, now: datetime
) -> PostingRead:
    """Write down what should be posted; whatever can be refused is refused now.

    Whom a deduction concerns is told at once, with the evidence.
    """
    if isinstance(body, AwardCreate | DeductionCreate):
        posting = await under_rules.propose(session, actor, body, now=now)
    else:
        posting = await undoing.propose(session, actor, body, now=now)
    session.add(posting)
    await session.flush()
    if isinstance(body, DeductionCreate):
        await evidence.attach_photos(
            session, posting.community_id, posting.manual_posting_id, body.photo_ids,
            person_id=actor.person_id,
        )  # fmt: skip
        await hearing.tell_proposed(session, posting, photos=len(body.photo_ids), now=now)
    return await _describe_one(session, links, posting, now=now)


async def approve_posting(
    session: AsyncSession, links: PhotoLinks, actor: Actor, posting_id: int, *, now: datetime
) -> PostingRead:
    """Check somebody else's proposal and post it; pressed twice, it is posted once."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.POSTED):
        return await _describe_one(session, links, posting, now=now)
    await _check_may_decide(session, actor, posting)
    await hearing.check_heard(session, posting, now=now)
    move = under_rules.post if posting.kind in UNDER_RULES else undoing.post
    result = await move(session, posting, checker_id=actor.person_id, now=now)
    posting.result = result.model_dump(mode="json")
    await _close(session, actor, posting, PostingState.POSTED, now=now)
    await hearing.conclude(session, posting, result, now=now)
    return await _describe_one(session, links, posting, now=now)


async def refuse_posting(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    posting_id: int,
    *,
    reason: str,
    now: datetime,
) -> PostingRead:
    """Turn somebody else's proposal down."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.REFUSED):
        return await _describe_one(session, links, posting, now=now)
    await _check_may_decide(session, actor, posting)
    posting.decision_reason = reason
    await _close(session, actor, posting, PostingState.REFUSED, now=now)
    await hearing.tell_dropped(session, posting, now=now)
    return await _describe_one(session, links, posting, now=now)


async def withdraw_posting(
    session: AsyncSession, links: PhotoLinks, actor: Actor, posting_id: int, *, now: datetime
) -> PostingRead:
    """Take one's own proposal back."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.WITHDRAWN):
        return await _describe_one(session, links, posting, now=now)
    if not policies.may_withdraw(actor, posting):
        raise NotTheProposer
    await _close(session, actor, posting, PostingState.WITHDRAWN, now=now)
    await hearing.tell_dropped(session, posting, now=now)
    return await _describe_one(session, links, posting, now=now)


async def get_posting(
    session: AsyncSession, links: PhotoLinks, actor: Actor, posting_id: int, *, now: datetime
) -> PostingRead:
    """Return a posting by hand; raises PostingNotFound."""
    posting = await queries.get_posting(session, actor.community, posting_id)
    if posting is None:
        raise PostingNotFound
    return await _describe_one(session, links, posting, now=now)


async def list_postings(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    *,
    state: PostingState | None,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[PostingRead]:
    """Return the community's postings by hand, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_postings(
        session, actor.community, state=state, before=before, size=size + 1
    )
    postings, next_cursor = cut_page(found, size, lambda posting: (posting.manual_posting_id,))
    photos = await evidence.describe_photos(
        session, links, actor.community, [row.manual_posting_id for row in postings], now=now
    )
    items = [_describe(posting, photos[posting.manual_posting_id]) for posting in postings]
    return Page(items=items, next_cursor=next_cursor)


async def _lock(session: AsyncSession, actor: Actor, posting_id: int) -> ManualPosting:
    """Return the posting, locked: whoever comes second sees what the first one decided."""
    posting = await queries.lock_posting(session, actor.community, posting_id)
    if posting is None:
        raise PostingNotFound
    return posting


def _is_done(actor: Actor, posting: ManualPosting, state: PostingState) -> bool:
    """Tell whether the caller has decided just this before; raises PostingDecided otherwise."""
    if posting.state == PostingState.PROPOSED:
        return False
    if posting.state != state or posting.decided_by != actor.person_id:
        raise PostingDecided(state=posting.state)
    return True


async def _check_may_decide(session: AsyncSession, actor: Actor, posting: ManualPosting) -> None:
    if not policies.may_decide(actor, posting):
        raise CheckerIsMaker
    if await is_of_household(session, posting.community_id, actor.person_id, posting.resident_id):
        raise OwnPosting


async def _close(
    session: AsyncSession,
    actor: Actor,
    posting: ManualPosting,
    state: PostingState,
    *,
    now: datetime,
) -> None:
    posting.state = state
    posting.decided_by = actor.person_id
    posting.decided_at = now
    await session.flush()


async def _describe_one(
    session: AsyncSession, links: PhotoLinks, posting: ManualPosting, *, now: datetime
) -> PostingRead:
    number = posting.manual_posting_id
    # Only a deduction brings evidence.
    proven = [number] if posting.kind == PostingKind.DEDUCTION else []
    photos = await evidence.describe_photos(session, links, posting.community_id, proven, now=now)
    return _describe(posting, photos.get(number, []))


def _describe(posting: ManualPosting, photos: list[EvidencePhotoRead]) -> PostingRead:
    return PostingRead(
        posting_id=posting.manual_posting_id,
        kind=PostingKind(posting.kind),
        state=PostingState(posting.state),
        resident_id=posting.resident_id,
        rule_code=posting.rule_code,
        units=posting.units,
        acted_at=posting.acted_at,
        transfer_id=posting.transfer_id,
        points=posting.points,
        is_our_fault=posting.is_our_fault,
        reason=posting.reason,
        proposed_by=posting.proposed_by,
        proposed_at=posting.proposed_at,
        decided_by=posting.decided_by,
        decided_at=posting.decided_at,
        decision_reason=posting.decision_reason,
        result=None if posting.result is None else PostingResult.model_validate(posting.result),
        photos=photos,
        heard_until=posting.heard_until,
        answer=posting.answer,
        answered_at=posting.answered_at,
        answered_by=posting.answered_by,
        repair_task=posting.repair_task,
        repair_points=posting.repair_points,
    )
