"""SQL of repair tasks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.community import policies
from app.community.models import Building, Resident
from app.contributions.repairs.models import RepairState, RepairTask
from app.core.access import Actor, Permission


async def lock_repair(
    session: AsyncSession, community_id: int, repair_task_id: int
) -> RepairTask | None:
    """Return a repair task as it stands now, locked until the transaction ends."""
    statement = (
        select(RepairTask)
        .where(RepairTask.community_id == community_id, RepairTask.repair_task_id == repair_task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def lock_open_of(
    session: AsyncSession, community_id: int, contribution_id: int
) -> RepairTask | None:
    """Return the repair task of a deduction that is not decided yet, locked."""
    statement = (
        select(RepairTask)
        .where(
            RepairTask.community_id == community_id,
            RepairTask.contribution_id == contribution_id,
            RepairTask.state.in_((RepairState.OFFERED, RepairState.REPORTED)),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_of_resident(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[RepairTask]:
    """Return a resident's repair tasks, newest first."""
    statement = (
        select(RepairTask)
        .where(
            RepairTask.community_id == community_id,
            RepairTask.resident_id == resident_id,
            RepairTask.repair_task_id < before,
        )
        .order_by(RepairTask.repair_task_id.desc())
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def list_of_deductions(
    session: AsyncSession, community_id: int, contribution_ids: Sequence[int]
) -> Sequence[RepairTask]:
    """Return the repair tasks of deductions, in no order."""
    statement = select(RepairTask).where(
        RepairTask.community_id == community_id, RepairTask.contribution_id.in_(contribution_ids)
    )
    return (await session.scalars(statement)).all()


async def list_of_grids(
    session: AsyncSession, actor: Actor, *, state: RepairState | None, before: int, size: int
) -> Sequence[RepairTask]:
    """Return repair tasks of residents of the grids the actor works in, newest first."""
    statement = (
        select(RepairTask)
        .join(
            Resident,
            (Resident.community_id == RepairTask.community_id)
            & (Resident.resident_id == RepairTask.resident_id),
        )
        .join(
            Building,
            (Building.community_id == Resident.community_id)
            & (Building.building_id == Resident.building_id),
        )
        .where(
            RepairTask.community_id == actor.community,
            RepairTask.repair_task_id < before,
            policies.in_grids_of(actor, Permission.CONTRIBUTIONS_ENTER),
        )
        .order_by(RepairTask.repair_task_id.desc())
        .limit(size)
    )
    if state is not None:
        statement = statement.where(RepairTask.state == state)
    return (await session.scalars(statement)).all()


async def is_of_household(
    session: AsyncSession, community_id: int, person_id: int, resident_id: int
) -> bool:
    """Tell whether a person is this resident, or lives in one household with them."""
    own, theirs = aliased(Resident), aliased(Resident)
    statement = select(
        exists().where(
            own.community_id == community_id,
            own.person_id == person_id,
            theirs.community_id == community_id,
            theirs.resident_id == resident_id,
            or_(own.resident_id == resident_id, own.household_id == theirs.household_id),
        )
    )
    return bool(await session.scalar(statement))


async def list_communities_with_overdue(session: AsyncSession, *, now: datetime) -> Sequence[int]:
    """Return the communities in which time for a repair task has run out."""
    statement = (
        select(RepairTask.community_id)
        .where(RepairTask.state == RepairState.OFFERED, RepairTask.due_at <= now)
        .distinct()
        .order_by(RepairTask.community_id)
    )
    return (await session.scalars(statement)).all()


async def lapse(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """Let what nobody reported in time lapse; return how many."""
    statement = (
        update(RepairTask)
        .where(
            RepairTask.community_id == community_id,
            RepairTask.state == RepairState.OFFERED,
            RepairTask.due_at <= now,
        )
        .values(state=RepairState.LAPSED)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
