"""Deciding award lists, and reading them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions.claims.public_lists.schemas import AwardLine
from app.contributions.lists import queries
from app.contributions.lists.errors import (
    AwardListDecided,
    AwardListNotFound,
    NotTheListsProposer,
    OwnAwardRow,
)
from app.contributions.lists.giving import ask_to_give, evaluate_rows
from app.contributions.lists.models import AwardList, ListState
from app.contributions.lists.schemas import AwardListRead, AwardListRowRead
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, page_of, read_cursor
from app.ledger.errors import CheckerIsMaker
from app.notices import service as notices
from app.notices.errors import NoticeNotFound
from app.notices.models import NoticeKind
from app.rules.book.campaigns import midnight

APPROVED = (ListState.IN_NOTICE, ListState.POSTING, ListState.POSTED)


async def approve_list(
    session: AsyncSession, actor: Actor, award_list_id: int, *, now: datetime
) -> AwardListRead:
    """Approve somebody else's list: it goes to public notice if a rule in it asks for that.

    Otherwise a job posts it at once. Raises CheckerIsMaker, OwnAwardRow, AwardListDecided.
    """
    award_list = await _lock(session, actor, award_list_id)
    if not _is_done(actor, award_list, *APPROVED):
        await _check_may_approve(session, actor, award_list)
        days = await queries.longest_notice(session, award_list)
        if days:
            await _put_to_notice(session, actor, award_list, days, now=now)
            await _close(session, actor, award_list, ListState.IN_NOTICE, now=now)
        else:
            await _close(session, actor, award_list, ListState.POSTING, now=now)
            await ask_to_give(session, award_list)
    return await get_list(session, actor, award_list_id)


async def refuse_list(
    session: AsyncSession, actor: Actor, award_list_id: int, *, reason: str, now: datetime
) -> AwardListRead:
    """Turn somebody else's list down; the file can be handed in again."""
    award_list = await _lock(session, actor, award_list_id)
    if not _is_done(actor, award_list, ListState.REFUSED):
        _check_is_another(actor, award_list)
        award_list.decision_reason = reason
        await _close(session, actor, award_list, ListState.REFUSED, now=now)
    return await get_list(session, actor, award_list_id)


async def withdraw_list(
    session: AsyncSession, actor: Actor, award_list_id: int, *, now: datetime
) -> AwardListRead:
    """Take one's own list back before it is decided, or while it is on public notice."""
    award_list = await _lock(session, actor, award_list_id)
    is_on_notice = award_list.state == ListState.IN_NOTICE
    if is_on_notice or not _is_done(actor, award_list, ListState.WITHDRAWN):
        if award_list.proposed_by != actor.person_id:
            raise NotTheListsProposer
        if is_on_notice:
            notice_id = award_list.public_notice_id or 0
            await notices.withdraw(session, award_list.community_id, notice_id, now=now)
        await _close(session, actor, award_list, ListState.WITHDRAWN, now=now)
    return await get_list(session, actor, award_list_id)


async def get_list(session: AsyncSession, actor: Actor, award_list_id: int) -> AwardListRead:
    """Return a list; raises AwardListNotFound."""
    row = await queries.get_list(session, actor.community, award_list_id)
    if row is None:
        raise AwardListNotFound
    return _describe(row)


async def list_lists(
    session: AsyncSession, actor: Actor, *, state: ListState | None, cursor: str | None, size: int
) -> Page[AwardListRead]:
    """Return the community's lists, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_lists(
        session, actor.community, state=state, before=before, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row[0].award_list_id,))
    return Page(items=[_describe(row) for row in items], next_cursor=next_cursor)


async def list_rows(
    session: AsyncSession, actor: Actor, award_list_id: int, *, cursor: str | None, size: int
) -> Page[AwardListRowRead]:
    """Return the rows of a list in the file's order; raises AwardListNotFound."""
    await get_list(session, actor, award_list_id)
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_rows(
        session, actor.community, award_list_id, after=after, size=size + 1
    )
    return page_of(AwardListRowRead, rows, size, lambda row: (row.row_number,))


async def list_public_lines(
    session: AsyncSession,
    community_id: int,
    public_notice_id: int,
    *,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[AwardLine]:
    """Return the lines of the list on a notice; raises NoticeNotFound.

    Why somebody is awarded is not shown: what a file says of thousands was checked by nobody.
    """
    if not await queries.is_list_notice(session, community_id, public_notice_id):
        raise NoticeNotFound
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_public_lines(
        session, community_id, public_notice_id, after=after, size=size + 1
    )
    lines, next_cursor = cut_page(rows, size, lambda row: (row.row_number,))
    here = await community.get_community(session, community_id)
    waiting = [row for row in lines if row.asked_points is None]
    items = await evaluate_rows(session, community_id, waiting, timezone=here.timezone, now=now)
    worth = {int(item.occasion): item.points for item in items}
    return Page(
        items=[
            AwardLine(
                line_id=row.row_number,
                masked_name=row.masked_name,
                rule_name=row.rule_name,
                units=row.units,
                acted_on=day_in(here.timezone, row.acted_at),
                asked_points=worth.get(row.row_number, row.asked_points or 0),
                deed=None,
            )
            for row in lines
        ],
        next_cursor=next_cursor,
    )


async def _lock(session: AsyncSession, actor: Actor, award_list_id: int) -> AwardList:
    """Return the list, locked: whoever comes second sees what the first one decided."""
    award_list = await queries.lock_list(session, actor.community, award_list_id)
    if award_list is None:
        raise AwardListNotFound
    return award_list


def _is_done(actor: Actor, award_list: AwardList, *states: ListState) -> bool:
    """Tell whether the caller has decided just this before; raises AwardListDecided otherwise."""
    if award_list.state == ListState.PROPOSED:
        return False
    if award_list.state not in states or award_list.decided_by != actor.person_id:
        raise AwardListDecided(state=award_list.state)
    return True


def _check_is_another(actor: Actor, award_list: AwardList) -> None:
    if award_list.proposed_by == actor.person_id:
        raise CheckerIsMaker


async def _check_may_approve(session: AsyncSession, actor: Actor, award_list: AwardList) -> None:
    _check_is_another(actor, award_list)
    if await queries.awards_household(session, award_list, actor.person_id):
        raise OwnAwardRow


async def _put_to_notice(
    session: AsyncSession, actor: Actor, award_list: AwardList, days: int, *, now: datetime
) -> None:
    here = await community.get_community(session, award_list.community_id)
    last_day = day_in(here.timezone, now) + timedelta(days=days)
    award_list.public_notice_id = await notices.publish(
        session,
        award_list.community_id,
        kind=NoticeKind.AWARD_LIST,
        # The list's own title was checked by nobody.
        title=f"批量积分公示名单 {day_in(here.timezone, now).isoformat()}",
        closes_at=midnight(last_day + timedelta(days=1), here.timezone),
        published_by=actor.person_id,
        now=now,
    )


async def _close(
    session: AsyncSession, actor: Actor, award_list: AwardList, state: ListState, *, now: datetime
) -> None:
    award_list.state = state
    award_list.decided_by = actor.person_id
    award_list.decided_at = now
    await session.flush()


def _describe(row: Row[AwardList, int, int, int] | Sequence[Any]) -> AwardListRead:
    award_list, granted_rows, granted_points, refused_rows = row
    return AwardListRead(
        award_list_id=award_list.award_list_id,
        title=award_list.title,
        state=ListState(award_list.state),
        row_count=award_list.row_count,
        asked_points=award_list.asked_points,
        granted_rows=granted_rows,
        granted_points=granted_points,
        refused_rows=refused_rows,
        proposed_by=award_list.proposed_by,
        proposed_at=award_list.proposed_at,
        decided_by=award_list.decided_by,
        decided_at=award_list.decided_at,
        decision_reason=award_list.decision_reason,
        public_notice_id=award_list.public_notice_id,
        posted_at=award_list.posted_at,
    )
