"""Contributions undone, in part or whole: awards taken back, deductions given back.

The wallet gives or gets what the ledger can move; boards change by the whole of it, because a
board counts what somebody did and not what is left to spend.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions import queries
from app.contributions.limits import queries as limits
from app.contributions.rows import score_rows
from app.core.calendar import day_in
from app.core.database import Record
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.deductions import service as deductions
from app.ledger.errors import MoreThanOriginal
from app.ledger.reversals import service as reversals
from app.standings import queries as standings


@dataclass(frozen=True, slots=True)
class Revocation:
    """Which awards to take back: those of a source; the reason is shown to the resident."""

    source_kind: str
    source_id: int
    reason: str
    reversed_by: int


@dataclass(frozen=True, slots=True)
class Undoing:
    """A contribution to undo by so many points (all that still stand, if None).

    `source` is what asked for it, as a transfer names it; the checker is another than who asks.
    With `frees_caps` an award that is undone whole is as if it had not been: its caps and
    campaigns' limits are free for another one.
    """

    contribution_id: int
    points: int | None
    memo: str
    reason: str
    source: tuple[str, int]
    reversed_by: int
    checked_by: int | None
    is_usable_again: bool = False
    frees_caps: bool = False


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of one contribution: `taken` is less than asked if the wallet had no more.

    For a deduction both are what the resident got back.
    """

    resident_id: int
    asked_points: int
    taken_points: int


async def take_back(
    session: AsyncSession,
    community_id: int,
    revocation: Revocation,
    *,
    timezone: str,
    now: datetime,
) -> list[TakenBack]:
    """Reverse every award of a source that still stands, once however often it is asked.

    Points already spent become debt down to the wallet's floor; the boards lose the whole award.
    """
    source = (revocation.source_kind, revocation.source_id)
    residents = await queries.list_awarded_residents(session, community_id, *source)
    await ledger_queries.lock_owned(session, community_id, residents)
    # Under the locks: what another transaction has taken back is seen now.
    awards = await queries.list_standing_awards(session, community_id, *source)
    if not awards:
        return []
    wanted = [_undoing_of(award, revocation) for award in awards]
    return await _take_awards_back(
        session, community_id, awards, wanted, timezone=timezone, now=now
    )


async def undo_contribution(
    session: AsyncSession, community_id: int, undoing: Undoing, *, timezone: str, now: datetime
) -> TakenBack | None:
    """Undo an award or a deduction by some points; None where nothing of it stands.

    Raises MoreThanOriginal.
    """
    found = await queries.get_standing(session, community_id, undoing.contribution_id)
    if found is None:
        return None
    await ledger_queries.lock_owned(session, community_id, [found.resident_id])
    # Under the lock: it may just have been undone by somebody else.
    standing = await queries.get_standing(session, community_id, undoing.contribution_id)
    if standing is None:
        return None
    if undoing.points is not None and undoing.points > standing.left_points:
        raise MoreThanOriginal(left_points=standing.left_points, asked_points=undoing.points)
    if standing.granted_points > 0:
        (taken,) = await _take_awards_back(
            session, community_id, [standing], [undoing], timezone=timezone, now=now
        )
        if undoing.frees_caps:
            await limits.free_caps(
                session, community_id, undoing.contribution_id, timezone=timezone
            )
        return taken
    return await _give_deduction_back(
        session, community_id, standing, undoing, timezone=timezone, now=now
    )


async def _take_awards_back(
    session: AsyncSession,
    community_id: int,
    awards: Sequence[Record],
    wanted: Sequence[Undoing],
    *,
    timezone: str,
    now: datetime,
) -> list[TakenBack]:
    asked = [
        deductions.AwardReversal(
            withdrawal_id=new_id(now),
            reversal_id=(reversal_id := new_id(now)),
            transfer_id=award.contribution_id,
            account_id=award.resident_id,
            points=undoing.points or award.left_points,
            original_points=award.granted_points,
            memo=undoing.memo,
            rule_version_id=award.rule_version_id,
            maker_id=undoing.reversed_by,
            checker_id=undoing.checked_by,
            source_kind=undoing.source[0],
            source_id=undoing.source[1] or reversal_id,
            occurred_at=now,
        )
        for award, undoing in zip(awards, wanted, strict=True)
    ]
    collected = await deductions.reverse_awards(session, community_id, asked, now=now)
    done = [
        (
            reversal.reversal_id,
            TakenBack(reversal.account_id, reversal.points, collected.get(reversal.reversal_id, 0)),
        )
        for reversal in asked
    ]
    await _record(session, community_id, awards, wanted, done, timezone=timezone, now=now)
    return [taken for _, taken in done]


async def _give_deduction_back(
    session: AsyncSession,
    community_id: int,
    deduction: Record,
    undoing: Undoing,
    *,
    timezone: str,
    now: datetime,
) -> TakenBack:
    reversal_id = new_id(now)
    points: int = undoing.points or deduction.left_points
    wanted = reversals.GiveBack(
        reversal_id=reversal_id,
        transfer_id=deduction.contribution_id,
        account_id=deduction.resident_id,
        points=points,
        memo=undoing.memo,
        maker_id=undoing.reversed_by,
        checker_id=undoing.checked_by,
        source_kind=undoing.source[0],
        source_id=undoing.source[1] or reversal_id,
        is_usable_again=undoing.is_usable_again,
    )
    await reversals.give_back(session, community_id, wanted, timezone=timezone, now=now)
    given = TakenBack(deduction.resident_id, points, points)
    done = [(reversal_id, given)]
    await _record(session, community_id, [deduction], [undoing], done, timezone=timezone, now=now)
    return given


def _undoing_of(award: Record, revocation: Revocation) -> Undoing:
    return Undoing(
        contribution_id=award.contribution_id,
        points=None,
        memo=f"收回：{award.name}（{revocation.reason}）",
        reason=revocation.reason,
        # Nothing but the reversal itself: a source may have given several awards.
        source=("reversal", 0),
        reversed_by=revocation.reversed_by,
        checked_by=None,
    )


async def _record(
    session: AsyncSession,
    community_id: int,
    contributions: Sequence[Record],
    wanted: Sequence[Undoing],
    done: Sequence[tuple[int, TakenBack]],
    *,
    timezone: str,
    now: datetime,
) -> None:
    """Write down what was undone, and change the boards of the days the acts were on."""
    rows = [
        {
            "contribution_id": contribution.contribution_id,
            "reversal_id": reversal_id,
            "asked_points": taken.asked_points,
            "taken_points": taken.taken_points,
            "reason": undoing.reason,
            "reversed_by": undoing.reversed_by,
            "frees_caps": undoing.frees_caps,
        }
        for contribution, undoing, (reversal_id, taken) in zip(
            contributions, wanted, done, strict=True
        )
    ]
    await queries.insert_reversals(session, community_id, rows, now=now)
    scores = [
        (
            contribution.resident_id,
            day_in(timezone, contribution.acted_at),
            -taken.asked_points if contribution.granted_points > 0 else taken.asked_points,
        )
        for contribution, (_, taken) in zip(contributions, done, strict=True)
    ]
    await standings.add_scores(session, community_id, score_rows(scores), now=now)
