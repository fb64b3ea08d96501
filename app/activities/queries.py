"""SQL of activities."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity
from app.community.models import Community
from app.core.codes import Code, CodeKind
from app.core.database import Record
from app.core.models import RevokedCode


def _is_revoked(code: Code) -> Any:
    return exists().where(
        RevokedCode.community_id == code.community_id,
        RevokedCode.kind == int(code.kind),
        RevokedCode.subject_id == code.subject_id,
        RevokedCode.expires_at == code.expires_at,
    )


async def get_scanned_activity(
    session: AsyncSession, community_id: int, activity_id: int, code: Code
) -> Record | None:
    """Return (activity, time zone, whether the scanned code was revoked) in one query."""
    statement = (
        select(Activity, Community.timezone, _is_revoked(code).label("is_revoked"))
        .join(Community, Community.community_id == Activity.community_id)
        .where(Activity.community_id == community_id, Activity.activity_id == activity_id)
    )
    return (await session.execute(statement)).one_or_none()


async def get_activity(
    session: AsyncSession, community_id: int, activity_id: int
) -> Activity | None:
    return await session.get(Activity, (community_id, activity_id))


async def list_activities(
    session: AsyncSession, community_id: int, *, after: tuple[datetime, int], size: int
) -> Sequence[Activity]:
    """Return activities by when they end, after a moment and number."""
    statement = (
        select(Activity)
        .where(
            Activity.community_id == community_id,
            tuple_(Activity.ends_at, Activity.activity_id) > tuple_(*after),
        )
        .order_by(Activity.ends_at, Activity.activity_id)
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def lock_activity(
    session: AsyncSession, community_id: int, activity_id: int
) -> Activity | None:
    """Return an activity, locked until the transaction ends."""
    statement = (
        select(Activity)
        .where(Activity.community_id == community_id, Activity.activity_id == activity_id)
        .with_for_update(key_share=True)
    )
    return await session.scalar(statement)


async def count_revoked_posters(session: AsyncSession, community_id: int, activity_id: int) -> int:
    statement = select(func.count()).where(
        RevokedCode.community_id == community_id,
        RevokedCode.kind == int(CodeKind.ACTIVITY_POSTER),
        RevokedCode.subject_id == activity_id,
    )
    return await session.scalar(statement) or 0


async def revoke_code(session: AsyncSession, code: Code, *, revoked_by: int, now: datetime) -> None:
    """Refuse a code from now on; revoking it again changes nothing."""
    statement = insert(RevokedCode).values(
        community_id=code.community_id,
        kind=int(code.kind),
        subject_id=code.subject_id,
        expires_at=code.expires_at,
        revoked_by=revoked_by,
        revoked_at=now,
    )
    await session.execute(statement.on_conflict_do_nothing())
