"""SQL of duties: assigning and awarding them by the thousand."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Community, Grid, Resident
from app.contributions.duties.models import Duty
from app.core.database import Record
from app.rules.models import Rule, RuleVersion

# Held already is also what ends no sooner than the new one begins: a month counts once.
_LIST_CANDIDATES = """
    SELECT resident_id, EXISTS (SELECT FROM residents AS own
        WHERE own.community_id = :community_id AND own.person_id = :person_id
            AND (own.resident_id = residents.resident_id
                OR own.household_id = residents.household_id)) AS is_own,
        EXISTS (SELECT FROM duties
        WHERE duties.community_id = :community_id AND duties.rule_id = :rule_id
            AND duties.resident_id = residents.resident_id
            AND (ends_on IS NULL OR ends_on >= :starts_on)) AS is_held
    FROM residents JOIN buildings USING (community_id, building_id)
    WHERE community_id = :community_id AND state = 'active'
        AND (CAST(:grid_id AS bigint) IS NULL OR grid_id = :grid_id)
        AND (CAST(:resident_ids AS bigint[]) IS NULL OR resident_id = ANY(:resident_ids))
    ORDER BY resident_id
"""

# Whoever got it at this very moment from somebody else is left out.
_INSERT_DUTIES = """
    INSERT INTO duties (community_id, duty_id, rule_id, resident_id, starts_on, assigned_by,
        assigned_at)
    SELECT :community_id, duty_id, :rule_id, resident_id, :starts_on, :assigned_by, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS row(duty_id bigint, resident_id bigint)
    ON CONFLICT (community_id, rule_id, resident_id) WHERE ends_on IS NULL DO NOTHING
    RETURNING resident_id
"""

_LIST_UNAWARDED = """
    SELECT duty_id, code AS rule_code, resident_id FROM duties
        JOIN rules USING (community_id, rule_id)
        JOIN residents USING (community_id, resident_id)
    WHERE community_id = :community_id AND residents.state = 'active' AND duty_id > :after
        AND starts_on <= :latest_start AND (ends_on IS NULL OR ends_on >= :last)
        AND NOT EXISTS (SELECT FROM contributions AS there
            WHERE there.community_id = :community_id AND there.source_kind = 'duty'
                AND there.source_id = duties.duty_id
                AND there.resident_id = duties.resident_id AND there.occasion = :occasion)
    ORDER BY duty_id LIMIT :size
"""


async def get_monthly_rule(
    session: AsyncSession, community_id: int, rule_code: str, *, at: datetime
) -> Record | None:
    """Return (rule_id, unit, direction) of the rule's version in force."""
    statement = (
        select(Rule.rule_id, RuleVersion.unit, RuleVersion.direction)
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
        )
        .where(
            Rule.community_id == community_id,
            Rule.code == rule_code,
            RuleVersion.effective_from <= at,
            RuleVersion.effective_until.is_(None) | (RuleVersion.effective_until > at),
        )
    )
    return (await session.execute(statement)).one_or_none()


async def is_grid(session: AsyncSession, community_id: int, grid_id: int) -> bool:
    statement = select(exists().where(Grid.community_id == community_id, Grid.grid_id == grid_id))
    return bool(await session.scalar(statement))


async def list_candidates(
    session: AsyncSession,
    community_id: int,
    rule_id: int,
    *,
    person_id: int,
    starts_on: date,
    grid_id: int | None,
    resident_ids: Sequence[int] | None,
) -> Sequence[Record]:
    """Return active residents (of a grid, of a list, or all), and whether they hold the duty.

    `is_own` are the person themselves and whoever they live with.
    """
    values = {
        "community_id": community_id,
        "rule_id": rule_id,
        "person_id": person_id,
        "starts_on": starts_on,
        "grid_id": grid_id,
        "resident_ids": resident_ids,
    }
    return (await session.execute(text(_LIST_CANDIDATES), values)).all()


async def insert_duties(
    session: AsyncSession,
    community_id: int,
    rule_id: int,
    rows: Sequence[dict[str, Any]],
    *,
    starts_on: date,
    assigned_by: int,
    now: datetime,
) -> set[int]:
    """Let residents hold a duty, in one statement; return which of them did not yet."""
    values = {
        "community_id": community_id,
        "rule_id": rule_id,
        "starts_on": starts_on,
        "assigned_by": assigned_by,
        "now": now,
        "rows": json.dumps(rows),
    }
    return set((await session.scalars(text(_INSERT_DUTIES), values)).all())


async def list_duties(
    session: AsyncSession, community_id: int, *, rule_code: str | None, after: int, size: int
) -> Sequence[Record]:
    """Return duties, of one rule or all, in the order in which they were assigned."""
    statement = (
        _select_duties(community_id).where(Duty.duty_id > after).order_by(Duty.duty_id).limit(size)
    )
    if rule_code is not None:
        statement = statement.where(Rule.code == rule_code)
    return (await session.execute(statement)).all()


async def get_duty(session: AsyncSession, community_id: int, duty_id: int) -> Record:
    """Return a duty that is there."""
    statement = _select_duties(community_id).where(Duty.duty_id == duty_id)
    return (await session.execute(statement)).one()


def _select_duties(community_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Duty.duty_id,
            Rule.code.label("rule_code"),
            Duty.resident_id,
            Resident.masked_name,
            Duty.starts_on,
            Duty.ends_on,
            Duty.assigned_by,
            Duty.assigned_at,
            Duty.ended_by,
        )
        .join(Rule, (Rule.community_id == Duty.community_id) & (Rule.rule_id == Duty.rule_id))
        .join(
            Resident,
            (Resident.community_id == Duty.community_id)
            & (Resident.resident_id == Duty.resident_id),
        )
        .where(Duty.community_id == community_id)
    )


async def lock_duty(session: AsyncSession, community_id: int, duty_id: int) -> Duty | None:
    """Return a duty as it stands now, locked until the transaction ends."""
    statement = (
        select(Duty)
        .where(Duty.community_id == community_id, Duty.duty_id == duty_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_communities_with_duties(session: AsyncSession) -> Sequence[Record]:
    """Return (community_id, timezone) where anybody ever held a duty."""
    has_duties = exists().where(Duty.community_id == Community.community_id)
    statement = select(Community.community_id, Community.timezone).where(has_duties)
    return (await session.execute(statement.order_by(Community.community_id))).all()


async def list_unawarded(
    session: AsyncSession,
    community_id: int,
    *,
    occasion: str,
    latest_start: date,
    last: date,
    after: int,
    size: int,
) -> Sequence[Record]:
    """Return duties that were held for a month and gave nothing for it yet, by their numbers."""
    values = {
        "community_id": community_id,
        "occasion": occasion,
        "latest_start": latest_start,
        "last": last,
        "after": after,
        "size": size,
    }
    return (await session.execute(text(_LIST_UNAWARDED), values)).all()
