"""Assigning and ending duties, and awarding the months for which they were held."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.community.errors import GridNotFound, ResidentNotFound
from app.contributions.duties import queries
from app.contributions.duties.errors import (
    DutyEnded,
    DutyEndsBeforeStart,
    DutyInThePast,
    DutyNotFound,
    OwnDuty,
    RuleNotMonthly,
)
from app.contributions.duties.months import Month
from app.contributions.duties.schemas import (
    MOST_RESIDENTS,
    DutiesAssigned,
    DutyAssign,
    DutyEnd,
    DutyRead,
    Skipped,
    SkipReason,
)
from app.contributions.models import SourceKind
from app.contributions.posting import AwardItem
from app.contributions.service import Act, award_all, evaluate_acts
from app.contributions.telling.awards import tell_awards
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.database import Record
from app.core.ids import new_id
from app.core.pagination import Page, page_of, read_cursor
from app.ledger.models import MACHINE
from app.rules import service as rules
from app.rules.errors import RuleNotFound
from app.rules.evaluation import Terms
from app.rules.models import Direction

BATCH = 1000
PER_MONTH = "month"


async def assign_duties(
    session: AsyncSession, actor: Actor, body: DutyAssign, *, now: datetime
) -> DutiesAssigned:
    """Let residents hold a duty; those who hold it already, and the caller's own, are left out.

    Raises RuleNotFound, RuleNotMonthly, DutyInThePast, GridNotFound, ResidentNotFound, OwnDuty.
    """
    rule_id = await _rule_of(session, actor, body, now=now)
    candidates = await _list_candidates(session, actor, body, rule_id)
    skipped = {row.resident_id: reason for row in candidates if (reason := _skip(row))}
    if body.resident_ids is not None and SkipReason.OWN in skipped.values():
        raise OwnDuty
    wanted = [row.resident_id for row in candidates if row.resident_id not in skipped]
    rows = [{"duty_id": new_id(now), "resident_id": resident_id} for resident_id in wanted]
    assigned = await queries.insert_duties(
        session, actor.community, rule_id, rows,
        starts_on=body.starts_on, assigned_by=actor.person_id, now=now,
    )  # fmt: skip
    skipped |= dict.fromkeys(set(wanted) - assigned, SkipReason.HELD_ALREADY)
    told = [Skipped(resident_id=number, reason=skipped[number]) for number in sorted(skipped)]
    return DutiesAssigned(
        assigned_count=len(assigned), skipped_count=len(told), skipped=told[:MOST_RESIDENTS]
    )


async def _rule_of(session: AsyncSession, actor: Actor, body: DutyAssign, *, now: datetime) -> int:
    rule = await queries.get_monthly_rule(session, actor.community, body.rule_code, at=now)
    if rule is None:
        raise RuleNotFound
    if rule.unit != PER_MONTH or rule.direction != Direction.EARN:
        raise RuleNotMonthly
    here = await community.get_community(session, actor.community)
    # One person assigns a duty: months gone by are for a list, which two people look at.
    if body.starts_on < day_in(here.timezone, now).replace(day=1):
        raise DutyInThePast
    return int(rule.rule_id)


async def _list_candidates(
    session: AsyncSession, actor: Actor, body: DutyAssign, rule_id: int
) -> Sequence[Record]:
    if body.grid_id is not None and not await queries.is_grid(
        session, actor.community, body.grid_id
    ):
        raise GridNotFound
    candidates = await queries.list_candidates(
        session, actor.community, rule_id, person_id=actor.person_id,
        starts_on=body.starts_on, grid_id=body.grid_id, resident_ids=body.resident_ids,
    )  # fmt: skip
    unknown = set(body.resident_ids or ()) - {row.resident_id for row in candidates}
    if unknown:
        raise ResidentNotFound(resident_ids=[str(number) for number in sorted(unknown)])
    return candidates


def _skip(row: Record) -> SkipReason | None:
    if row.is_own:
        return SkipReason.OWN
    return SkipReason.HELD_ALREADY if row.is_held else None


async def end_duty(
    session: AsyncSession, actor: Actor, duty_id: int, body: DutyEnd, *, now: datetime
) -> DutyRead:
    """Say on which day a duty is held for the last time; said again, the answer is the same.

    While that day is to come, it may be set to an earlier one. Raises DutyNotFound, DutyEnded,
    DutyEndsBeforeStart.
    """
    duty = await queries.lock_duty(session, actor.community, duty_id)
    if duty is None:
        raise DutyNotFound
    if duty.ends_on not in (None, body.ends_on):
        here = await community.get_community(session, actor.community)
        if duty.ends_on < max(body.ends_on, day_in(here.timezone, now)):
            raise DutyEnded(ends_on=duty.ends_on.isoformat())
    if body.ends_on < duty.starts_on:
        raise DutyEndsBeforeStart
    if duty.ends_on != body.ends_on:
        duty.ends_on = body.ends_on
        duty.ended_by = actor.person_id
        await session.flush()
    row = await queries.get_duty(session, actor.community, duty_id)
    return DutyRead.model_validate(row, from_attributes=True)


async def list_duties(
    session: AsyncSession, actor: Actor, *, rule_code: str | None, cursor: str | None, size: int
) -> Page[DutyRead]:
    """Return duties in the order in which they were assigned."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_duties(
        session, actor.community, rule_code=rule_code, after=after, size=size + 1
    )
    return page_of(DutyRead, rows, size, lambda row: (row.duty_id,))


async def award_batch(
    session: AsyncSession,
    community_id: int,
    month: Month,
    *,
    timezone: str,
    after: int,
    now: datetime,
) -> int:
    """Award a month to the next thousand who held a duty in it; return where to go on, or 0."""
    held = await queries.list_unawarded(
        session, community_id,
        occasion=month.occasion, latest_start=month.latest_start, last=month.last,
        after=after, size=BATCH,
    )  # fmt: skip
    if not held:
        return 0

    async def list_items() -> Sequence[AwardItem]:
        return await _evaluate(session, community_id, held, month, timezone=timezone, now=now)

    outcomes = await award_all(session, community_id, list_items, timezone=timezone, now=now)
    opening = f"{month.first.year} 年 {month.first.month} 月岗位职责："
    await tell_awards(session, community_id, outcomes, opening=opening, timezone=timezone, now=now)
    return int(held[-1].duty_id) if len(held) == BATCH else 0


async def _evaluate(
    session: AsyncSession,
    community_id: int,
    held: Sequence[Record],
    month: Month,
    *,
    timezone: str,
    now: datetime,
) -> list[AwardItem]:
    """Turn months into items, by the terms of their last day; without any there is no award."""
    acted_at = month.last_moment(timezone)
    codes = sorted({row.rule_code for row in held})
    found = await rules.list_terms_by_codes(session, community_id, codes, at=acted_at)
    terms = {each.code: each for each in found if each.is_earning}
    bonuses = await rules.list_bonuses(session, community_id, at=acted_at)
    acts = [
        (_act(row, terms[row.rule_code], month, timezone), terms[row.rule_code])
        for row in held
        if row.rule_code in terms
    ]
    return await evaluate_acts(session, community_id, acts, bonuses, now=now)


def _act(row: Record, terms: Terms, month: Month, timezone: str) -> Act:
    return Act(
        source_kind=SourceKind.DUTY,
        source_id=row.duty_id,
        resident_id=row.resident_id,
        occasion=month.occasion,
        units=1,
        acted_at=month.last_moment(timezone),
        timezone=timezone,
        recorded_by=MACHINE,
        memo=f"{terms.name} {month.occasion}",
    )
