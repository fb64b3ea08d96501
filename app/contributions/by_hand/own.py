"""Deductions as residents see their own."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.by_hand import queries
from app.contributions.by_hand.errors import DeductionNotFound
from app.contributions.by_hand.schemas import DeductionRead, PostingResult
from app.contributions.evidence import service as evidence
from app.contributions.evidence.schemas import EvidencePhotoRead
from app.contributions.models import ManualPosting, PostingState
from app.contributions.repairs import service as repairs
from app.contributions.repairs.schemas import RepairTaskRead
from app.core.access import Actor
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, read_cursor
from app.media.addresses import PhotoLinks


async def list_deductions(
    session: AsyncSession,
    links: PhotoLinks,
    actor: Actor,
    *,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[DeductionRead]:
    """Return the caller's own, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_deductions(
        session, actor.community, actor.resident, before=before, size=size + 1
    )
    rows, next_cursor = cut_page(found, size, lambda row: (row.ManualPosting.manual_posting_id,))
    items = await _describe(session, links, actor.community, rows, now=now)
    return Page(items=items, next_cursor=next_cursor)


async def get_own(
    session: AsyncSession, links: PhotoLinks, actor: Actor, posting_id: int, *, now: datetime
) -> DeductionRead:
    """Return a deduction of the caller's own; raises DeductionNotFound."""
    row = await queries.get_deduction(session, actor.community, posting_id)
    if row is None or row.ManualPosting.resident_id != actor.resident:
        raise DeductionNotFound
    (deduction,) = await _describe(session, links, actor.community, [row], now=now)
    return deduction


async def get_deduction(
    session: AsyncSession, links: PhotoLinks, community_id: int, posting_id: int, *, now: datetime
) -> DeductionRead:
    """Return a deduction as whom it concerns sees it; raises DeductionNotFound."""
    row = await queries.get_deduction(session, community_id, posting_id)
    if row is None:
        raise DeductionNotFound
    (deduction,) = await _describe(session, links, community_id, [row], now=now)
    return deduction


async def _describe(
    session: AsyncSession,
    links: PhotoLinks,
    community_id: int,
    rows: Sequence[Record],
    *,
    now: datetime,
) -> list[DeductionRead]:
    numbers = [row.ManualPosting.manual_posting_id for row in rows]
    photos = await evidence.describe_photos(session, links, community_id, numbers, now=now)
    results = [_result(row.ManualPosting) for row in rows]
    acts = [result.contribution_id for result in results if result and result.contribution_id]
    offered = await repairs.list_of_deductions(session, links, community_id, acts, now=now)
    return [
        _read(
            row.ManualPosting,
            row.rule_name,
            photos[row.ManualPosting.manual_posting_id],
            result,
            None if result is None else offered.get(result.contribution_id or 0),
        )
        for row, result in zip(rows, results, strict=True)
    ]


def _result(posting: ManualPosting) -> PostingResult | None:
    return None if posting.result is None else PostingResult.model_validate(posting.result)


def _read(
    posting: ManualPosting,
    rule_name: str,
    photos: list[EvidencePhotoRead],
    result: PostingResult | None,
    repair: RepairTaskRead | None,
) -> DeductionRead:
    return DeductionRead(
        posting_id=posting.manual_posting_id,
        state=PostingState(posting.state),
        rule_code=posting.rule_code or "",
        rule_name=rule_name,
        units=posting.units or 1,
        points=posting.points,
        acted_at=posting.acted_at or posting.proposed_at,
        reason=posting.reason,
        photos=photos,
        proposed_at=posting.proposed_at,
        heard_until=posting.heard_until,
        answer=posting.answer,
        answered_at=posting.answered_at,
        decided_at=posting.decided_at,
        decision_reason=posting.decision_reason,
        result=result,
        repair_task=posting.repair_task,
        repair_points=posting.repair_points,
        repair=repair,
    )
