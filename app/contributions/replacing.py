"""An award put in the place of another one, as when it turns out to have given too little."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions import queries
from app.contributions.limits import queries as limits
from app.contributions.posting import AwardItem
from app.contributions.reversals import TakenBack, Undoing, undo_contribution
from app.contributions.service import Outcome, award_one
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.deductions.service import AwardReversal, reverse_awards


@dataclass(frozen=True, slots=True)
class Replaced:
    """What the new award gave, and what was taken back of the old one if some of it stood.

    `late_points` were asked back of the old one before, when they had been spent.
    """

    outcome: Outcome
    taken: TakenBack | None
    late_points: int

    @property
    def taken_points(self) -> int:
        return self.late_points + (0 if self.taken is None else self.taken.taken_points)


async def replace_award(
    session: AsyncSession,
    community_id: int,
    undoing: Undoing,
    item: AwardItem,
    *,
    timezone: str,
    now: datetime,
) -> Replaced:
    """Award anew as if the old award had not been, and take back all that stands of it.

    Freed first: the old award must not use up the new one's caps. Given before it is taken: who
    has spent the old points already must not be left with both, nor who had spent them when they
    were asked back. The caller sees to it that an award is replaced once. Raises
    ResidentNotFound, RuleChanged.
    """
    await ledger_queries.lock_owned(session, community_id, [item.resident_id])
    await _free_limits(session, community_id, undoing, item, timezone=timezone, now=now)
    outcome = await award_one(session, community_id, item, timezone=timezone, now=now)
    whole = replace(undoing, points=None, frees_caps=False)
    taken = await undo_contribution(session, community_id, whole, timezone=timezone, now=now)
    gained = outcome.decision.granted_points - (0 if taken is None else taken.taken_points)
    late = await _take_outstanding(
        session, community_id, undoing, item.resident_id, most=gained, now=now
    )
    return Replaced(outcome, taken, late)


async def _take_outstanding(
    session: AsyncSession,
    community_id: int,
    undoing: Undoing,
    resident_id: int,
    *,
    most: int,
    now: datetime,
) -> int:
    """Take what was asked back of the old award and was not there then; return how much.

    The boards have lost it already, and nobody loses more than the new award gave.
    """
    outstanding = await queries.get_outstanding(session, community_id, undoing.contribution_id)
    points = min(outstanding.points, most)
    if points <= 0:
        return 0
    reversal = AwardReversal(
        withdrawal_id=new_id(now),
        reversal_id=(reversal_id := new_id(now)),
        transfer_id=undoing.contribution_id,
        account_id=resident_id,
        points=points,
        original_points=outstanding.granted_points,
        memo=undoing.memo,
        rule_version_id=outstanding.rule_version_id,
        maker_id=undoing.reversed_by,
        checker_id=undoing.checked_by,
        source_kind="reversal",
        source_id=reversal_id,
        occurred_at=now,
    )
    collected = await reverse_awards(session, community_id, [reversal], now=now)
    taken = collected.get(reversal_id, 0)
    if taken:
        row = _row_of(undoing, reversal_id, taken)
        await queries.insert_reversals(session, community_id, [row], now=now)
    return taken


async def _free_limits(
    session: AsyncSession,
    community_id: int,
    undoing: Undoing,
    item: AwardItem,
    *,
    timezone: str,
    now: datetime,
) -> None:
    """Let an award no longer count for limits, also where all of it was taken back before.

    The record of it asks for no points: those are asked for when they are taken.
    """
    row = _row_of(undoing, new_id(now), 0)
    await queries.insert_reversals(session, community_id, [row], now=now)
    await limits.free_caps(
        session, community_id, undoing.contribution_id, timezone=timezone, before=[item]
    )


def _row_of(undoing: Undoing, reversal_id: int, taken_points: int) -> dict[str, Any]:
    return {
        "contribution_id": undoing.contribution_id,
        "reversal_id": reversal_id,
        "asked_points": 0,
        "taken_points": taken_points,
        "reason": undoing.reason,
        "reversed_by": undoing.reversed_by,
        "frees_caps": True,
    }
