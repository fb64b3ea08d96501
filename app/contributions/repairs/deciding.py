"""Deciding whether a repair was done: accepted, it gives points of the deduction back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions import queries as contributions
from app.contributions.by_hand.errors import NothingLeftToReverse
from app.contributions.repairs import messages, policies, queries
from app.contributions.repairs.errors import OwnRepair, RepairNotReported, RepairTaskNotFound
from app.contributions.repairs.models import RepairState, RepairTask
from app.contributions.reversals import Undoing, undo_contribution
from app.contributions.telling.service import tell_resident
from app.core.access import Actor
from app.ledger import queries as ledger
from app.ledger.errors import CheckerIsMaker

# How a transfer names its source: one for each repair task, so that none gives twice.
SOURCE = "repair"


async def accept_repair(
    session: AsyncSession, actor: Actor, repair_task_id: int, *, now: datetime
) -> RepairTask:
    """Give the points back; pressed again by the same person, nothing more happens.

    Points whose date has passed can be used for a while more: new work has earned them. Raises
    NothingLeftToReverse where an appeal has given all of the deduction back before.
    """
    repair = await _lock(session, actor, repair_task_id)
    if repair.state == RepairState.DONE and repair.decided_by == actor.person_id:
        return repair
    await _check_may_decide(session, actor, repair)
    here = await community.get_community(session, actor.community)
    await _give_back(session, actor, repair, timezone=here.timezone, now=now)
    repair.state = RepairState.DONE
    repair.decided_by = actor.person_id
    repair.decided_at = now
    await session.flush()
    message = messages.accepted(repair, now=now)
    await tell_resident(
        session, actor.community, repair.resident_id, message, timezone=here.timezone, now=now
    )
    return repair


async def refuse_repair(
    session: AsyncSession, actor: Actor, repair_task_id: int, *, reason: str, now: datetime
) -> RepairTask:
    """Say what is missing; until its date the resident can report again."""
    repair = await _lock(session, actor, repair_task_id)
    # A report that was made since has no decision.
    is_open = repair.state in (RepairState.OFFERED, RepairState.LAPSED)
    if is_open and repair.decided_by == actor.person_id:
        return repair
    await _check_may_decide(session, actor, repair)
    here = await community.get_community(session, actor.community)
    repair.state = RepairState.OFFERED
    repair.refusal = reason
    repair.decided_by = actor.person_id
    repair.decided_at = now
    await session.flush()
    message = messages.refused(repair, timezone=here.timezone, now=now)
    await tell_resident(
        session, actor.community, repair.resident_id, message, timezone=here.timezone, now=now
    )
    return repair


async def _lock(session: AsyncSession, actor: Actor, repair_task_id: int) -> RepairTask:
    """Return the task, locked: whoever comes second sees what the first one decided."""
    repair = await queries.lock_repair(session, actor.community, repair_task_id)
    if repair is None:
        raise RepairTaskNotFound
    return repair


async def _check_may_decide(session: AsyncSession, actor: Actor, repair: RepairTask) -> None:
    if repair.state != RepairState.REPORTED:
        raise RepairNotReported(state=repair.state)
    if await queries.is_of_household(
        session, repair.community_id, actor.person_id, repair.resident_id
    ):
        raise OwnRepair
    if not policies.may_decide(actor, repair):
        raise CheckerIsMaker


async def _give_back(
    session: AsyncSession, actor: Actor, repair: RepairTask, *, timezone: str, now: datetime
) -> None:
    # Locked first: what is left of the deduction is still left when it is given back.
    await ledger.lock_owned(session, repair.community_id, [repair.resident_id])
    standing = await contributions.get_standing(
        session, repair.community_id, repair.contribution_id
    )
    if standing is None:
        raise NothingLeftToReverse
    # What an appeal has given back in part is not given back again.
    repair.points = min(repair.points, standing.left_points)
    undoing = Undoing(
        contribution_id=repair.contribution_id,
        points=repair.points,
        memo=f"积分修复：{repair.task}（{standing.name}）",
        reason=repair.task,
        source=(SOURCE, repair.repair_task_id),
        reversed_by=repair.reported_by or actor.person_id,
        checked_by=actor.person_id,
        is_usable_again=True,
    )
    await undo_contribution(session, repair.community_id, undoing, timezone=timezone, now=now)
