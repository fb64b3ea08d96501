"""SQL of the demo."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.community.models import Community, Grid, Resident
from app.identity.models import Identity
from app.rules.models import Rule, RuleCategory

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


async def find_local_person(session: AsyncSession, ticket: str) -> int | None:
    """Return the person who signs in by this name, if there is one."""
    statement = select(Identity.person_id).where(
        Identity.provider == "local", Identity.subject == ticket
    )
    return await session.scalar(statement)


async def get_local_person(session: AsyncSession, ticket: str) -> int:
    """Return the person who signs in by this name; raises LookupError."""
    person_id = await find_local_person(session, ticket)
    if person_id is None:
        raise LookupError(ticket)
    return person_id


async def list_rule_codes(session: AsyncSession, community_id: int) -> set[str]:
    return set(await session.scalars(select(Rule.code).where(Rule.community_id == community_id)))


async def list_category_codes(session: AsyncSession, community_id: int) -> set[str]:
    statement = select(RuleCategory.code).where(RuleCategory.community_id == community_id)
    return set(await session.scalars(statement))


async def list_grids(session: AsyncSession, community_id: int) -> Sequence[Grid]:
    """Return a community's grids in the order they were made."""
    statement = select(Grid).where(Grid.community_id == community_id).order_by(Grid.grid_id)
    return (await session.scalars(statement)).all()


async def list_residents(session: AsyncSession, community_id: int) -> Sequence[Resident]:
    """Return the residents with a phone, in the order they came."""
    statement = (
        select(Resident)
        .where(Resident.community_id == community_id, Resident.person_id.is_not(None))
        .order_by(Resident.resident_id)
    )
    return (await session.scalars(statement)).all()
