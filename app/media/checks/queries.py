"""SQL of content checks."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident
from app.core.database import Record
from app.identity.models import Identity
from app.media.models import CheckState, CheckTrace, ContentCheck, Photo
from app.media.queries import CHECK_OF_PHOTO
from app.wechat.models import WeChatPush

UNHEARD = (CheckState.WAITING, CheckState.ASKED)


_ADD_CHECK = text("""
    INSERT INTO content_checks
        (community_id, content_check_id, kind, text, person_id, state, attempts, created_at)
    VALUES (:community_id, :content_check_id, :kind, :text, :person_id, :state, :attempts,
        :created_at)
""")


async def add_check(session: AsyncSession, check: ContentCheck) -> None:
    """Add a check that nobody has looked at yet."""
    values = {
        "community_id": check.community_id, "content_check_id": check.content_check_id,
        "kind": check.kind, "text": check.text, "person_id": check.person_id,
        "state": check.state, "attempts": check.attempts, "created_at": check.created_at,
    }  # fmt: skip
    await session.execute(_ADD_CHECK, values)


async def get_check(
    session: AsyncSession, community_id: int, content_check_id: int
) -> tuple[ContentCheck, str | None] | None:
    """Return a check, with the served key if it is a photo's."""
    statement = (
        select(ContentCheck, Photo.served_key)
        .outerjoin(Photo, CHECK_OF_PHOTO)
        .where(
            ContentCheck.community_id == community_id,
            ContentCheck.content_check_id == content_check_id,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def lock_check(
    session: AsyncSession, community_id: int, content_check_id: int
) -> ContentCheck | None:
    statement = (
        select(ContentCheck)
        .where(
            ContentCheck.community_id == community_id,
            ContentCheck.content_check_id == content_check_id,
        )
        .with_for_update(key_share=True)
    )
    return await session.scalar(statement)


async def add_trace(
    session: AsyncSession, check: ContentCheck, trace_id: str, now: datetime
) -> None:
    """Note which check a trace id belongs to, once."""
    statement = insert(CheckTrace).values(
        trace_id=trace_id,
        community_id=check.community_id,
        content_check_id=check.content_check_id,
        created_at=now,
    )
    await session.execute(statement.on_conflict_do_nothing())


async def get_trace(session: AsyncSession, trace_id: str) -> CheckTrace | None:
    return await session.get(CheckTrace, trace_id)


async def list_pushes(session: AsyncSession, trace_id: str) -> Sequence[bytes]:
    """Return the sealed pushes with this trace id."""
    statement = (
        select(WeChatPush.sealed_payload)
        .where(WeChatPush.trace_id == trace_id)
        .order_by(WeChatPush.received_at)
    )
    return (await session.scalars(statement)).all()


async def list_open_ids(session: AsyncSession, person_id: int) -> Sequence[Record]:
    """Return (app_id, subject) of a person's WeChat identities."""
    statement = (
        select(Identity.app_id, Identity.subject)
        .where(Identity.person_id == person_id, Identity.provider == "wechat")
        .order_by(Identity.created_at.desc(), Identity.app_id)
    )
    return (await session.execute(statement)).all()


async def list_checks(
    session: AsyncSession, community_id: int, *, state: CheckState, after: int, size: int
) -> Sequence[Record]:
    """Return (ContentCheck, served_key, masked_name), oldest first."""
    statement = (
        select(ContentCheck, Photo.served_key, Resident.masked_name)
        .outerjoin(Photo, CHECK_OF_PHOTO)
        .outerjoin(
            Resident,
            (Resident.community_id == ContentCheck.community_id)
            & (Resident.person_id == ContentCheck.person_id),
        )
        .where(
            ContentCheck.community_id == community_id,
            ContentCheck.state == state,
            ContentCheck.content_check_id > after,
        )
        .order_by(ContentCheck.content_check_id)
        .limit(size)
    )
    return (await session.execute(statement)).all()


async def list_communities_with_unheard(session: AsyncSession) -> Sequence[int]:
    statement = select(ContentCheck.community_id).distinct().where(ContentCheck.state.in_(UNHEARD))
    return (await session.scalars(statement)).all()


async def end_overdue(
    session: AsyncSession,
    community_id: int,
    *,
    asked_before: datetime,
    created_before: datetime,
    most_attempts: int,
) -> None:
    """Have WeChat asked again where it did not answer; where that is no use, have a person look."""
    mine = ContentCheck.community_id == community_id
    is_overdue = (ContentCheck.state == CheckState.ASKED) & (ContentCheck.asked_at < asked_before)
    is_stuck = (ContentCheck.state == CheckState.WAITING) & (
        ContentCheck.created_at < created_before
    )
    is_tried = ContentCheck.attempts >= most_attempts
    give_up = update(ContentCheck).where(mine, is_stuck | (is_overdue & is_tried))
    ask_again = update(ContentCheck).where(mine, is_overdue, ~is_tried)
    for statement, state in ((give_up, CheckState.REVIEW), (ask_again, CheckState.WAITING)):
        changed = statement.values(state=state).execution_options(synchronize_session=False)
        await session.execute(changed)


async def list_waiting(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> Sequence[Record]:
    """Return (content_check_id, attempts) of those that wait since before then."""
    statement = (
        select(ContentCheck.content_check_id, ContentCheck.attempts)
        .where(
            ContentCheck.community_id == community_id,
            ContentCheck.state == CheckState.WAITING,
            func.coalesce(ContentCheck.asked_at, ContentCheck.created_at) < before,
        )
        .order_by(ContentCheck.content_check_id)
        .limit(size)
    )
    return (await session.execute(statement)).all()
