"""Public notices: for the rooms whose decisions stand under them, and for everybody to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.ids import MAX_ID, new_id
from app.core.pagination import Page, cut_page, read_cursor
from app.notices import queries
from app.notices.errors import NoticeNotFound
from app.notices.models import NoticeKind, PublicNotice
from app.notices.schemas import NoticeRead, NoticeState


@dataclass(frozen=True, slots=True)
class NoticeOutcome:
    """What a notice has come to.

    `unanswered` and `upheld` are the lines that objections are about which wait for an answer, or
    were upheld; None stands for the whole notice. `unanswered_count` counts the objections.
    """

    is_over: bool
    is_withdrawn: bool
    unanswered: frozenset[int | None]
    upheld: frozenset[int | None]
    unanswered_count: int


async def publish(
    session: AsyncSession,
    community_id: int,
    *,
    kind: NoticeKind,
    title: str,
    closes_at: datetime,
    published_by: int,
    now: datetime,
) -> int:
    """Open something to objections until then; return the notice's number."""
    notice = PublicNotice(
        community_id=community_id,
        public_notice_id=new_id(now),
        kind=kind,
        title=title,
        opens_at=now,
        closes_at=closes_at,
        published_by=published_by,
    )
    session.add(notice)
    await session.flush()
    return notice.public_notice_id


async def withdraw(
    session: AsyncSession, community_id: int, public_notice_id: int, *, now: datetime
) -> None:
    """Take a notice back: nothing comes of it, and it takes no more remarks."""
    await queries.end_notice(session, community_id, public_notice_id, withdrawn_at=now)


async def settle(
    session: AsyncSession, community_id: int, public_notice_id: int, *, now: datetime
) -> None:
    """Note that what a notice stands for is decided: an objection that comes now is too late."""
    await queries.end_notice(session, community_id, public_notice_id, settled_at=now)


async def read_outcomes(
    session: AsyncSession, community_id: int, public_notice_ids: Sequence[int], *, now: datetime
) -> dict[int, NoticeOutcome]:
    """Return what notices have come to, by number; unknown ones are left out."""
    rows = await queries.read_outcomes(session, community_id, public_notice_ids, now=now)
    return {
        row.public_notice_id: NoticeOutcome(
            is_over=row.is_over,
            is_withdrawn=row.is_withdrawn,
            unanswered=frozenset(row.unanswered or ()),
            upheld=frozenset(row.upheld or ()),
            unanswered_count=row.unanswered_count,
        )
        for row in rows
    }


async def lock_outcomes(
    session: AsyncSession, community_id: int, public_notice_ids: Sequence[int], *, now: datetime
) -> dict[int, NoticeOutcome]:
    """Return what notices have come to, and let nobody remark until the transaction ends.

    For who decides and then settles them: no objection is lost between the two.
    """
    await queries.lock_notices(session, community_id, public_notice_ids)
    return await read_outcomes(session, community_id, public_notice_ids, now=now)


async def list_notices(
    session: AsyncSession, community_id: int, *, cursor: str | None, size: int, now: datetime
) -> Page[NoticeRead]:
    """Return a community's notices, open ones first, then the newest."""
    ended, before = read_cursor(cursor, 2) or (0, MAX_ID)
    rows = await queries.list_notices(
        session, community_id, after=(ended, before), size=size + 1, now=now
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.is_ended, row.public_notice_id))
    return Page(items=[_describe(row) for row in items], next_cursor=next_cursor)


async def get_notice(
    session: AsyncSession, community_id: int, public_notice_id: int, *, now: datetime
) -> NoticeRead:
    """Return a notice; raises NoticeNotFound."""
    row = await queries.get_notice_row(session, community_id, public_notice_id, now=now)
    if row is None:
        raise NoticeNotFound
    return _describe(row)


def _describe(row: Record) -> NoticeRead:
    return NoticeRead(
        notice_id=row.public_notice_id,
        kind=NoticeKind(row.kind),
        title=row.title,
        state=NoticeState(row.state),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        withdrawn_at=row.withdrawn_at,
        comments=row.comments,
        objections=row.objections,
        unanswered_objections=row.unanswered_objections,
        upheld_objections=row.upheld_objections,
    )
