"""SQL of the demo."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.community.models import Community, Resident
from app.identity.models import Identity

DEMO_CODE = "demo"


async def lock_demo(session: AsyncSession) -> Community | None:
    """Return the demo community, while no other process can create one."""
    await session.execute(text("LOCK TABLE communities IN SHARE ROW EXCLUSIVE MODE"))
    return await session.scalar(select(Community).where(Community.code == DEMO_CODE))


async def get_open_activity(
    session: AsyncSession, community_id: int, *, now: datetime
) -> Activity | None:
    """Return an activity whose check-in is open, the one that closes last."""
    statement = (
        select(Activity)
        .where(
            Activity.community_id == community_id,
            Activity.state == ActivityState.SCHEDULED,
            Activity.check_in_opens_at <= now,
            Activity.check_in_closes_at > now,
        )
        .order_by(Activity.check_in_closes_at.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def get_demo_worker(session: AsyncSession) -> int:
    """Return the person who signs in as worker-1."""
    statement = select(Identity.person_id).where(
        Identity.provider == "local", Identity.subject == "worker-1"
    )
    return (await session.scalars(statement)).one()


async def list_all_persons(session: AsyncSession, community_id: int) -> Sequence[int]:
    """Return the persons of a community's residents."""
    statement = select(Resident.person_id).where(
        Resident.community_id == community_id, Resident.person_id.is_not(None)
    )
    return [person_id for person_id in await session.scalars(statement) if person_id is not None]
