"""SQL of public notices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident, ResidentState
from app.core.database import Record
from app.notices.models import NoticeRemark, PublicNotice

_ENDED = "CAST(withdrawn_at IS NOT NULL OR closes_at <= :now AS int)"

# What was said is counted for the rows of the page only.
_NOTICES = f"""
    SELECT listed.*, tally.*,
        CASE WHEN withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN is_ended = 1 THEN 'closed'
            ELSE 'open' END AS state
    FROM (SELECT *, {_ENDED} AS is_ended FROM public_notices
            WHERE community_id = :community_id AND {{chosen}}) AS listed
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE kind = 'comment') AS comments,
                count(*) FILTER (WHERE kind = 'objection') AS objections,
                count(*) FILTER (WHERE kind = 'objection' AND answer IS NULL)
                    AS unanswered_objections,
                count(*) FILTER (WHERE is_upheld) AS upheld_objections
            FROM notice_remarks AS remarks
            WHERE remarks.community_id = :community_id
                AND remarks.public_notice_id = listed.public_notice_id) AS tally
    ORDER BY is_ended, public_notice_id DESC
"""  # noqa: S608 - fragments of this file

_LIST_NOTICES = _NOTICES.format(
    chosen=f"""
        ({_ENDED}, -public_notice_id) > (CAST(:ended AS bigint), -CAST(:before AS bigint))
            ORDER BY {_ENDED}, public_notice_id DESC LIMIT :size
    """
)
_GET_NOTICE = _NOTICES.format(chosen="public_notice_id = :public_notice_id")

_REMARKS = """
    SELECT remarks.*, residents.masked_name, notices.title AS notice_title,
        notices.kind AS notice_kind, notices.closes_at,
        coalesce(content_checks.state = 'passed', false) AS is_shown
    FROM notice_remarks AS remarks
        JOIN public_notices AS notices USING (community_id, public_notice_id)
        JOIN residents USING (community_id, resident_id)
        LEFT JOIN content_checks ON content_checks.community_id = remarks.community_id
            AND content_checks.content_check_id = remarks.remark_id
    WHERE remarks.community_id = :community_id AND {chosen}
    ORDER BY remarks.remark_id LIMIT :size
"""

_LIST_REMARKS = _REMARKS.format(
    chosen="remarks.public_notice_id = :public_notice_id AND remarks.remark_id > :after"
)
_GET_REMARK = _REMARKS.format(
    chosen="remarks.public_notice_id = :public_notice_id AND remarks.remark_id = :remark_id"
)
# Nobody needs to answer what was raised against a thing that is no more.
_OBJECTIONS = {
    is_answered: _REMARKS.format(
        chosen=f"""
            remarks.kind = 'objection' AND remarks.answer IS {word}
                AND notices.withdrawn_at IS NULL AND remarks.remark_id > :after
        """
    )
    for is_answered, word in ((False, "NULL"), (True, "NOT NULL"))
}

_READ_OUTCOMES = """
    SELECT notices.public_notice_id, closes_at <= :now AS is_over,
        withdrawn_at IS NOT NULL AS is_withdrawn,
        count(*) FILTER (WHERE remark_id IS NOT NULL AND answer IS NULL) AS unanswered_count,
        array_agg(about_id) FILTER (WHERE remark_id IS NOT NULL AND answer IS NULL) AS unanswered,
        array_agg(about_id) FILTER (WHERE is_upheld) AS upheld
    FROM public_notices AS notices
        LEFT JOIN notice_remarks AS remarks ON remarks.community_id = :community_id
            AND remarks.public_notice_id = notices.public_notice_id
            AND remarks.kind = 'objection'
    WHERE notices.community_id = :community_id
        AND notices.public_notice_id = ANY(CAST(:public_notice_ids AS bigint[]))
    GROUP BY notices.community_id, notices.public_notice_id
"""


# The line of a list is a claim, or a row of a file.
_IS_ABOUT_HOUSEHOLD = """
    SELECT EXISTS (
        SELECT FROM residents AS own JOIN residents AS awarded
            ON awarded.community_id = :community_id
            AND (awarded.resident_id = own.resident_id
                OR awarded.household_id = own.household_id)
        WHERE own.community_id = :community_id AND own.person_id = :person_id
            AND own.state = 'active' AND awarded.resident_id IN (
                SELECT resident_id FROM claims
                WHERE community_id = :community_id AND public_notice_id = :public_notice_id
                    AND claim_id = :about_id
                UNION ALL SELECT resident_id
                FROM award_lists JOIN award_list_rows USING (community_id, award_list_id)
                WHERE community_id = :community_id AND public_notice_id = :public_notice_id
                    AND row_number = :about_id))
"""


async def list_notices(
    session: AsyncSession, community_id: int, *, after: tuple[int, int], size: int, now: datetime
) -> Sequence[Record]:
    """Return notices, open ones first and then the newest, after (is_ended, number)."""
    ended, before = after
    values = {"ended": ended, "before": before, "size": size, "now": now}
    return await _rows(session, _LIST_NOTICES, community_id=community_id, **values)


async def get_notice_row(
    session: AsyncSession, community_id: int, public_notice_id: int, *, now: datetime
) -> Record | None:
    """Return a notice with how much was said to it."""
    values = {"public_notice_id": public_notice_id, "now": now}
    found = await _rows(session, _GET_NOTICE, community_id=community_id, **values)
    return found[0] if found else None


async def notice_exists(session: AsyncSession, community_id: int, public_notice_id: int) -> bool:
    return await session.get(PublicNotice, (community_id, public_notice_id)) is not None


async def share_notice(
    session: AsyncSession, community_id: int, public_notice_id: int
) -> PublicNotice | None:
    """Return a notice, shared with others who remark: whoever decides waits for them."""
    statement = (
        select(PublicNotice)
        .where(
            PublicNotice.community_id == community_id,
            PublicNotice.public_notice_id == public_notice_id,
        )
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def lock_notices(
    session: AsyncSession, community_id: int, public_notice_ids: Sequence[int]
) -> None:
    """Lock notices in the order of their numbers: remarks on their way come in first."""
    statement = (
        select(PublicNotice.public_notice_id)
        .where(
            PublicNotice.community_id == community_id,
            PublicNotice.public_notice_id.in_(public_notice_ids),
        )
        .order_by(PublicNotice.public_notice_id)
        .with_for_update(key_share=True)
    )
    await session.execute(statement)


async def end_notice(
    session: AsyncSession, community_id: int, public_notice_id: int, **ending: datetime
) -> None:
    """Note that a notice was withdrawn or settled, unless it has ended either way before."""
    statement = (
        update(PublicNotice)
        .where(
            PublicNotice.community_id == community_id,
            PublicNotice.public_notice_id == public_notice_id,
            PublicNotice.withdrawn_at.is_(None),
            PublicNotice.settled_at.is_(None),
        )
        .values(**ending)
    )
    await session.execute(statement)


async def read_outcomes(
    session: AsyncSession, community_id: int, public_notice_ids: Sequence[int], *, now: datetime
) -> Sequence[Record]:
    """Return what became of notices, with the lines of open and upheld objections."""
    values = {"public_notice_ids": list(public_notice_ids), "now": now}
    return await _rows(session, _READ_OUTCOMES, community_id=community_id, **values)


# Remarks.


async def lock_resident(session: AsyncSession, community_id: int, resident_id: int) -> None:
    """Let what one resident does here happen one after another."""
    statement = (
        select(Resident.resident_id)
        .where(Resident.community_id == community_id, Resident.resident_id == resident_id)
        .with_for_update(key_share=True)
    )
    await session.execute(statement)


async def count_remarks(
    session: AsyncSession, community_id: int, public_notice_id: int, resident_id: int
) -> int:
    """Return how often a resident has said something to a notice."""
    statement = select(func.count()).where(
        NoticeRemark.community_id == community_id,
        NoticeRemark.public_notice_id == public_notice_id,
        NoticeRemark.resident_id == resident_id,
    )
    return await session.scalar(statement) or 0


async def lock_remark(
    session: AsyncSession, community_id: int, public_notice_id: int, remark_id: int
) -> NoticeRemark | None:
    """Return a remark to this notice as it stands now, locked."""
    statement = (
        select(NoticeRemark)
        .where(
            NoticeRemark.community_id == community_id,
            NoticeRemark.public_notice_id == public_notice_id,
            NoticeRemark.remark_id == remark_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_remarks(
    session: AsyncSession, community_id: int, public_notice_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return what was said to a notice, oldest first."""
    values = {"public_notice_id": public_notice_id, "after": after, "size": size}
    return await _rows(session, _LIST_REMARKS, community_id=community_id, **values)


async def get_remark_row(
    session: AsyncSession, community_id: int, public_notice_id: int, remark_id: int
) -> Record:
    """Return a remark that is there, with its author's masked name."""
    values = {"public_notice_id": public_notice_id, "remark_id": remark_id, "size": 1}
    (found,) = await _rows(session, _GET_REMARK, community_id=community_id, **values)
    return found


async def list_objections(
    session: AsyncSession, community_id: int, *, is_answered: bool, after: int, size: int
) -> Sequence[Record]:
    """Return objections against what has not been withdrawn, oldest first."""
    values = {"after": after, "size": size}
    return await _rows(session, _OBJECTIONS[is_answered], community_id=community_id, **values)


async def is_about_household(session: AsyncSession, remark: NoticeRemark, person_id: int) -> bool:
    """Tell whether a remark is about an award of this person's household."""
    values = {
        "community_id": remark.community_id, "public_notice_id": remark.public_notice_id,
        "about_id": remark.about_id, "person_id": person_id,
    }  # fmt: skip
    return bool(await session.scalar(text(_IS_ABOUT_HOUSEHOLD), values))


async def get_person_of(session: AsyncSession, community_id: int, resident_id: int) -> int | None:
    """Return whose account a resident has, if they still live here."""
    statement = select(Resident.person_id).where(
        Resident.community_id == community_id,
        Resident.resident_id == resident_id,
        Resident.state == ResidentState.ACTIVE,
    )
    return await session.scalar(statement)


async def _rows(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()
