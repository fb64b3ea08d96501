"""Comments and objections: saying them, answering them, reading them."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.service import get_community
from app.core.access import Actor
from app.core.database import Record
from app.core.ids import new_id
from app.core.pagination import Page, cut_page, read_cursor
from app.media.service import attach_check_text
from app.notices import messages, policies, queries
from app.notices.errors import (
    CommentNotJudged,
    JudgementMissing,
    NoticeClosed,
    NoticeHasNoLines,
    NoticeNotFound,
    NoticeWithdrawn,
    OwnAward,
    OwnRemark,
    RemarkAnswered,
    RemarkNotFound,
    TooManyRemarks,
)
from app.notices.models import NoticeKind, NoticeRemark, PublicNotice, RemarkKind
from app.notices.schemas import (
    AnswerCreate,
    ObjectionRead,
    ObjectionState,
    RemarkCreate,
    RemarkRead,
)
from app.notifications.service import notify

MOST_REMARKS = 20


async def write_remark(
    session: AsyncSession,
    actor: Actor,
    public_notice_id: int,
    body: RemarkCreate,
    *,
    now: datetime,
) -> RemarkRead:
    """Say something to an open notice; others read it once its text has passed the check."""
    community_id = actor.community
    await queries.lock_resident(session, community_id, actor.resident)
    notice = await queries.share_notice(session, community_id, public_notice_id)
    if notice is None:
        raise NoticeNotFound
    _check_takes(notice, body, now)
    said = await queries.count_remarks(session, community_id, public_notice_id, actor.resident)
    if said >= MOST_REMARKS:
        raise TooManyRemarks(most=MOST_REMARKS)
    remark = NoticeRemark(
        community_id=community_id,
        remark_id=new_id(now),
        public_notice_id=public_notice_id,
        about_id=body.about_id,
        kind=body.kind,
        text=body.text,
        resident_id=actor.resident,
        person_id=actor.person_id,
        written_at=now,
    )
    session.add(remark)
    await session.flush()
    await attach_check_text(
        session, community_id, subject_id=remark.remark_id, person_id=actor.person_id,
        text=body.text, now=now,
    )  # fmt: skip
    return await _read(session, actor, remark)


def _check_takes(notice: PublicNotice, body: RemarkCreate, now: datetime) -> None:
    if notice.withdrawn_at is not None:
        raise NoticeWithdrawn
    if not policies.is_open(notice, now):
        raise NoticeClosed
    if body.about_id is not None and notice.kind == NoticeKind.RULE_CHANGE:
        raise NoticeHasNoLines


async def answer_remark(
    session: AsyncSession,
    actor: Actor,
    public_notice_id: int,
    remark_id: int,
    body: AnswerCreate,
    *,
    now: datetime,
) -> RemarkRead:
    """Answer what somebody else said, also when the notice is over; pressed twice it is the same.

    An answer stands: what follows from it may already have happened.
    """
    remark = await queries.lock_remark(session, actor.community, public_notice_id, remark_id)
    if remark is None:
        raise RemarkNotFound
    if not policies.may_answer(actor, remark):
        raise OwnRemark
    if remark.answer is not None:
        given = (remark.answered_by, remark.answer, remark.is_upheld)
        if given != (actor.person_id, body.answer, body.is_upheld):
            raise RemarkAnswered
        return await _read(session, actor, remark)
    if await queries.is_about_household(session, remark, actor.person_id):
        raise OwnAward
    _check_judges(remark, body)
    remark.answer = body.answer
    remark.is_upheld = body.is_upheld
    remark.answered_by = actor.person_id
    remark.answered_at = now
    await session.flush()
    await _tell_author(session, remark, now=now)
    return await _read(session, actor, remark)


def _check_judges(remark: NoticeRemark, body: AnswerCreate) -> None:
    if remark.kind == RemarkKind.OBJECTION and body.is_upheld is None:
        raise JudgementMissing
    if remark.kind == RemarkKind.COMMENT and body.is_upheld is not None:
        raise CommentNotJudged


async def _tell_author(session: AsyncSession, remark: NoticeRemark, *, now: datetime) -> None:
    community_id = remark.community_id
    person_id = await queries.get_person_of(session, community_id, remark.resident_id)
    if person_id is None:
        return
    community = await get_community(session, community_id)
    row = await queries.get_remark_row(
        session, community_id, remark.public_notice_id, remark.remark_id
    )
    message = messages.answer_message(
        remark, person_id, title=row.notice_title, timezone=community.timezone, now=now
    )
    await notify(session, community_id, [message], now=now)


async def list_remarks(
    session: AsyncSession, actor: Actor, public_notice_id: int, *, cursor: str | None, size: int
) -> Page[RemarkRead]:
    """Return what was said to a notice, oldest first; raises NoticeNotFound."""
    if not await queries.notice_exists(session, actor.community, public_notice_id):
        raise NoticeNotFound
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_remarks(
        session, actor.community, public_notice_id, after=after, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.remark_id,))
    read = [RemarkRead(**_described(actor, row)) for row in items]
    return Page(items=read, next_cursor=next_cursor)


async def list_objections(
    session: AsyncSession,
    actor: Actor,
    *,
    state: ObjectionState,
    cursor: str | None,
    size: int,
) -> Page[ObjectionRead]:
    """Return objections that wait for an answer, or have one, oldest first."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_objections(
        session, actor.community, is_answered=state is ObjectionState.ANSWERED,
        after=after, size=size + 1,
    )  # fmt: skip
    items, next_cursor = cut_page(rows, size, lambda row: (row.remark_id,))
    read = [
        ObjectionRead(
            **_described(actor, row),
            notice_title=row.notice_title,
            notice_kind=NoticeKind(row.notice_kind),
            closes_at=row.closes_at,
        )
        for row in items
    ]
    return Page(items=read, next_cursor=next_cursor)


async def _read(session: AsyncSession, actor: Actor, remark: NoticeRemark) -> RemarkRead:
    row = await queries.get_remark_row(
        session, remark.community_id, remark.public_notice_id, remark.remark_id
    )
    return RemarkRead(**_described(actor, row))


def _described(actor: Actor, row: Record) -> dict[str, Any]:
    return {
        "remark_id": row.remark_id,
        "notice_id": row.public_notice_id,
        "kind": RemarkKind(row.kind),
        "text": row.text if policies.may_read_text(actor, row) else None,
        "is_shown": row.is_shown,
        "about_id": row.about_id,
        "masked_name": row.masked_name,
        "is_own": row.person_id == actor.person_id,
        "written_at": row.written_at,
        "answer": row.answer,
        "answered_at": row.answered_at,
        "is_upheld": row.is_upheld,
    }
