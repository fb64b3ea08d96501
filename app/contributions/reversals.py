"""Awards taken back, because what they were for turned out not to be so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions import queries
from app.contributions.service import score_rows
from app.core.calendar import day_in
from app.core.database import Record
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.standings import queries as standings


@dataclass(frozen=True, slots=True)
class Revocation:
    """Which awards to take back: those of a source; the reason is shown to the resident."""

    source_kind: str
    source_id: int
    reason: str
    reversed_by: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What one resident lost: `taken` is less than asked if the wallet had no more."""

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
    await ledger_queries.lock_balances(session, community_id, residents)
    # Under the locks: what another transaction has taken back is seen now.
    awards = await queries.list_standing_awards(session, community_id, *source)
    if not awards:
        return []
    reversals = [_reversal_of(award, revocation, now) for award in awards]
    collected = await ledger.reverse_awards(session, community_id, reversals, now=now)
    taken = [collected.get(reversal.reversal_id, 0) for reversal in reversals]
    await _record(session, community_id, awards, reversals, taken, revocation, now)
    scores = [
        (award.resident_id, day_in(timezone, award.acted_at), -award.granted_points)
        for award in awards
    ]
    await standings.add_scores(session, community_id, score_rows(scores), now=now)
    return [
        TakenBack(award.resident_id, award.granted_points, points)
        for award, points in zip(awards, taken, strict=True)
    ]


def _reversal_of(award: Record, revocation: Revocation, now: datetime) -> ledger.AwardReversal:
    return ledger.AwardReversal(
        reversal_id=new_id(now),
        transfer_id=award.contribution_id,
        account_id=award.resident_id,
        points=award.granted_points,
        memo=f"收回：{award.name}（{revocation.reason}）",
        rule_version_id=award.rule_version_id,
        maker_id=revocation.reversed_by,
        occurred_at=now,
    )


async def _record(
    session: AsyncSession,
    community_id: int,
    awards: Sequence[Record],
    reversals: Sequence[ledger.AwardReversal],
    taken: Sequence[int],
    revocation: Revocation,
    now: datetime,
) -> None:
    rows = [
        {
            "contribution_id": award.contribution_id,
            "reversal_id": reversal.reversal_id,
            "asked_points": award.granted_points,
            "taken_points": points,
            "reason": revocation.reason,
            "reversed_by": revocation.reversed_by,
        }
        for award, reversal, points in zip(awards, reversals, taken, strict=True)
    ]
    await queries.insert_reversals(session, community_id, rows, now=now)
