"""Awarding newcomers what rules give for joining."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.models import SourceKind
from app.contributions.newcomers import queries
from app.contributions.posting import AwardItem
from app.contributions.service import Act, award_all, evaluate_acts
from app.contributions.telling.awards import tell_awards
from app.core.database import Record
from app.ledger.models import MACHINE
from app.rules import service as rules
from app.rules.evaluation import Terms

BATCH = 1000
# Whoever joined earlier and got nothing, as while no worker ran, is not surprised any more.
LOOKS_BACK = timedelta(days=60)
BEGINNING = (0, 0)
OPENING = "欢迎加入社区："


async def welcome_batch(
    session: AsyncSession,
    community_id: int,
    *,
    timezone: str,
    after: tuple[int, int],
    now: datetime,
) -> tuple[int, int] | None:
    """Welcome the next thousand; return where to go on, or None at the end."""
    unwelcomed = await queries.list_unwelcomed(
        session, community_id, since=now - LOOKS_BACK, now=now, after=after, size=BATCH
    )
    if not unwelcomed:
        return None

    async def list_items() -> Sequence[AwardItem]:
        return await _evaluate(session, community_id, unwelcomed, timezone=timezone, now=now)

    outcomes = await award_all(session, community_id, list_items, timezone=timezone, now=now)
    await tell_awards(session, community_id, outcomes, opening=OPENING, timezone=timezone, now=now)
    last = unwelcomed[-1]
    return (last.resident_id, last.rule_id) if len(unwelcomed) == BATCH else None


async def _evaluate(
    session: AsyncSession,
    community_id: int,
    unwelcomed: Sequence[Record],
    *,
    timezone: str,
    now: datetime,
) -> list[AwardItem]:
    versions = sorted({row.rule_version_id for row in unwelcomed})
    terms = await rules.list_terms_of_versions(session, community_id, versions)
    since = min(row.joined_at for row in unwelcomed)
    bonuses = await rules.list_bonuses(session, community_id, at=now, since=since)
    acts = [
        (_act(row, terms[row.rule_version_id], timezone), terms[row.rule_version_id])
        for row in unwelcomed
    ]
    return await evaluate_acts(session, community_id, acts, bonuses, now=now)


def _act(row: Record, terms: Terms, timezone: str) -> Act:
    return Act(
        source_kind=SourceKind.NEWCOMER,
        source_id=row.rule_id,
        resident_id=row.resident_id,
        occasion="",
        units=1,
        acted_at=row.joined_at,
        timezone=timezone,
        recorded_by=MACHINE,
        memo=terms.name,
    )
