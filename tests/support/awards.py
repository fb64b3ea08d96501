"""Awards below HTTP: many at once, of any size, expiry and date."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions import service as contributions
from app.contributions.posting import AwardItem
from app.contributions.service import Act, Outcome
from app.core.ids import new_id
from app.rules import service as rules
from app.rules.evaluation import Bonus, Terms
from tests.support.neighbourhood import Neighbourhood

NEVER = {"kind": "never"}


async def get_terms(
    session: AsyncSession, here: Neighbourhood, rule_code: str, *, at: datetime, **changes: Any
) -> Terms:
    """Return the terms of a rule, with changes that no preset has."""
    terms = await rules.get_terms_by_code(session, here.community_id, rule_code, at=at)
    return replace(terms, **changes)


def make_item(
    terms: Terms,
    resident_id: int,
    *,
    now: datetime,
    bonuses: Sequence[Bonus] = (),
    **changes: Any,
) -> AwardItem:
    """Evaluate one act done just now, unless `changes` to the act say otherwise."""
    acted_at: datetime = changes.get("acted_at", now)
    act: dict[str, Any] = {
        "source_kind": "committee_alone",
        "source_id": new_id(now),
        "resident_id": resident_id,
        "occasion": "",
        "units": 1,
        "acted_at": acted_at,
        "timezone": "Asia/Shanghai",
        "recorded_by": 1,
        "checked_by": 2,
        "memo": terms.name,
    }
    return contributions.evaluate_act(Act(**(act | changes)), terms, bonuses, now=now)


async def award(
    session: AsyncSession, here: Neighbourhood, items: Sequence[AwardItem], *, now: datetime
) -> list[Outcome]:
    return await contributions.award(
        session, here.community_id, items, timezone="Asia/Shanghai", now=now
    )


async def give_lots(
    session: AsyncSession,
    here: Neighbourhood,
    lots: Sequence[tuple[int, int, dict[str, Any]]],
    *,
    now: datetime,
) -> list[int]:
    """Give lots as (resident, points, expiry), in one batch; return their numbers."""
    terms = await get_terms(session, here, "survey", at=now)
    items = [
        make_item(replace(terms, points=points, expiry=expiry), resident_id, now=now)
        for resident_id, points, expiry in lots
    ]
    await award(session, here, items, now=now)
    return [item.contribution_id for item in items]
