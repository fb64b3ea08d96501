"""Proposing, checking and withdrawing postings by hand."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.by_hand import policies, queries, under_rules, undoing
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
from app.contributions.models import ManualPosting, PostingKind, PostingState
from app.core.access import Actor
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, read_cursor
from app.ledger.errors import CheckerIsMaker

UNDER_RULES = (PostingKind.AWARD, PostingKind.DEDUCTION)


async def propose_posting(
    session: AsyncSession, actor: Actor, body: PostingCreate, *, now: datetime
) -> PostingRead:
    """Write down what should be posted; whatever can be refused is refused now."""
    if isinstance(body, AwardCreate | DeductionCreate):
        posting = await under_rules.propose(session, actor, body, now=now)
    else:
        posting = await undoing.propose(session, actor, body, now=now)
    session.add(posting)
    await session.flush()
    return _describe(posting)


async def approve_posting(
    session: AsyncSession, actor: Actor, posting_id: int, *, now: datetime
) -> PostingRead:
    """Check somebody else's proposal and post it; pressed twice, it is posted once."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.POSTED):
        return _describe(posting)
    _check_may_decide(actor, posting)
    move = under_rules.post if posting.kind in UNDER_RULES else undoing.post
    result = await move(session, posting, checker_id=actor.person_id, now=now)
    posting.result = result.model_dump(mode="json")
    return await _close(session, actor, posting, PostingState.POSTED, now=now)


async def refuse_posting(
    session: AsyncSession, actor: Actor, posting_id: int, *, reason: str, now: datetime
) -> PostingRead:
    """Turn somebody else's proposal down."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.REFUSED):
        return _describe(posting)
    _check_may_decide(actor, posting)
    posting.decision_reason = reason
    return await _close(session, actor, posting, PostingState.REFUSED, now=now)


async def withdraw_posting(
    session: AsyncSession, actor: Actor, posting_id: int, *, now: datetime
) -> PostingRead:
    """Take one's own proposal back."""
    posting = await _lock(session, actor, posting_id)
    if _is_done(actor, posting, PostingState.WITHDRAWN):
        return _describe(posting)
    if not policies.may_withdraw(actor, posting):
        raise NotTheProposer
    return await _close(session, actor, posting, PostingState.WITHDRAWN, now=now)


async def get_posting(session: AsyncSession, actor: Actor, posting_id: int) -> PostingRead:
    """Return a posting by hand; raises PostingNotFound."""
    posting = await queries.get_posting(session, actor.community, posting_id)
    if posting is None:
        raise PostingNotFound
    return _describe(posting)


async def list_postings(
    session: AsyncSession,
    actor: Actor,
    *,
    state: PostingState | None,
    cursor: str | None,
    size: int,
) -> Page[PostingRead]:
    """Return the community's postings by hand, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_postings(
        session, actor.community, state=state, before=before, size=size + 1
    )
    postings, next_cursor = cut_page(found, size, lambda posting: (posting.manual_posting_id,))
    return Page(items=[_describe(posting) for posting in postings], next_cursor=next_cursor)


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


def _check_may_decide(actor: Actor, posting: ManualPosting) -> None:
    if not policies.may_decide(actor, posting):
        raise CheckerIsMaker
    if not policies.may_post_for(actor, posting.resident_id):
        raise OwnPosting


async def _close(
    session: AsyncSession,
    actor: Actor,
    posting: ManualPosting,
    state: PostingState,
    *,
    now: datetime,
) -> PostingRead:
    posting.state = state
    posting.decided_by = actor.person_id
    posting.decided_at = now
    await session.flush()
    return _describe(posting)


def _describe(posting: ManualPosting) -> PostingRead:
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
    )
