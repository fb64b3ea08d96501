"""SQL of the demo."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity, ActivityState
from app.community.models import Building, Community, Grid, Resident, RoleGrant
from app.core.database import Record
from app.identity.models import Identity, Person
from app.merchants.models import Shop
from app.rules.models import Rule, RuleCategory

DEMO_CODE = "demo"

_LIST_COMMUNITIES = """
    SELECT community.community_id, code, name, timezone,
        (SELECT count(*) FROM residents
            WHERE residents.community_id = community.community_id
                AND state = 'active') AS residents,
        (SELECT count(DISTINCT person_id) FROM role_grants
            WHERE role_grants.community_id = community.community_id
                AND role = 'committee') AS committee
    FROM communities AS community ORDER BY community.community_id
"""


async def lock_demo(session: AsyncSession) -> Community | None:
    """Return the demo community, while no other process can create one."""
    await lock_communities(session)
    return await find_community(session, DEMO_CODE)


async def lock_communities(session: AsyncSession) -> None:
    """Let nobody else make a community until the transaction ends."""
    await session.execute(text("LOCK TABLE communities IN SHARE ROW EXCLUSIVE MODE"))


async def find_community(session: AsyncSession, code: str) -> Community | None:
    return await session.scalar(select(Community).where(Community.code == code))


async def list_communities(session: AsyncSession) -> Sequence[Record]:
    """Return each community with how many residents and committee members it has."""
    return (await session.execute(text(_LIST_COMMUNITIES))).all()


async def is_person(session: AsyncSession, person_id: int) -> bool:
    """Tell whether somebody has ever signed in under this number."""
    return await session.get(Person, person_id) is not None


async def list_shops(session: AsyncSession, community_id: int) -> Sequence[Shop]:
    """Return a community's shops in the order they were made."""
    statement = select(Shop).where(Shop.community_id == community_id).order_by(Shop.shop_id)
    return (await session.scalars(statement)).all()


async def holds_role(session: AsyncSession, grant: RoleGrant) -> bool:
    """Tell whether the person has the role at the place of a grant already."""
    statement = select(RoleGrant.role_grant_id).where(
        RoleGrant.community_id == grant.community_id,
        RoleGrant.person_id == grant.person_id,
        RoleGrant.role == grant.role,
        RoleGrant.grid_id.is_not_distinct_from(grant.grid_id),
        RoleGrant.shop_id.is_not_distinct_from(grant.shop_id),
    )
    return await session.scalar(statement) is not None


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


async def list_buildings(session: AsyncSession, community_id: int) -> Sequence[Building]:
    statement = select(Building).where(Building.community_id == community_id)
    return (await session.scalars(statement)).all()


async def lock_community(session: AsyncSession, community_id: int) -> None:
    """Let nobody else who asks for it add places until the transaction ends."""
    statement = (
        select(Community.community_id)
        .where(Community.community_id == community_id)
        .with_for_update(key_share=True)
    )
    await session.execute(statement)


async def list_residents(session: AsyncSession, community_id: int) -> Sequence[Resident]:
    """Return the residents with a phone, in the order they came."""
    statement = (
        select(Resident)
        .where(Resident.community_id == community_id, Resident.person_id.is_not(None))
        .order_by(Resident.resident_id)
    )
    return (await session.scalars(statement)).all()
