"""SQL of rules and campaigns."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.models import PointPolicy
from app.rules.models import (
    SHORTEST,
    Campaign,
    Procedure,
    Rule,
    RuleCategory,
    RuleChange,
    RuleVersion,
)

VersionRow = tuple[Rule, RuleVersion, PointPolicy]

# The procedure has no versions: its first change after a moment says what held at that moment.
_APPEAL_DAYS = """
    SELECT appeal_answer_days, coalesce(
        (SELECT CAST(change -> 'before' ->> 'appeal_days' AS integer) FROM rule_changes
            CROSS JOIN LATERAL jsonb_array_elements(changes) AS change
        WHERE rule_changes.community_id = :community_id AND state = 'adopted'
            AND decided_at > :at AND change ->> 'kind' = 'procedure'
        ORDER BY decided_at, rule_change_id LIMIT 1), appeal_days) AS appeal_days
    FROM procedures WHERE procedures.community_id = :community_id
"""

_NEWEST_POLICY = (
    select(func.max(PointPolicy.version))
    .where(PointPolicy.community_id == bindparam("community_id"))
    .scalar_subquery()
)
# Rules with versions and today's policy: it says how long points last that are given now. Written
# once: putting a statement together costs more than sending it.
_VERSIONS = (
    select(Rule, RuleVersion, PointPolicy)
    .join(
        RuleVersion,
        (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
    )
    .join(
        PointPolicy,
        (PointPolicy.community_id == Rule.community_id) & (PointPolicy.version == _NEWEST_POLICY),
    )
    .where(Rule.community_id == bindparam("community_id"))
)
_IN_FORCE = _VERSIONS.where(
    RuleVersion.effective_from <= bindparam("at"),
    or_(RuleVersion.effective_until.is_(None), RuleVersion.effective_until > bindparam("at")),
).order_by(RuleVersion.category, RuleVersion.name)
_IN_FORCE_OF = _IN_FORCE.where(Rule.rule_id.in_(bindparam("rule_ids", expanding=True)))
_IN_FORCE_BY_CODE = _IN_FORCE.where(Rule.code.in_(bindparam("codes", expanding=True)))

# A fragment for larger statements: whether any ran at some time since :since until :at.
HAS_CAMPAIGNS = """
    EXISTS (SELECT FROM campaigns WHERE campaigns.community_id = :community_id
        AND campaigns.starts_at <= :at AND campaigns.ends_at > :since)
"""
_LIST_CAMPAIGNS = select(Campaign).where(
    Campaign.community_id == bindparam("community_id"),
    Campaign.starts_at <= bindparam("at"),
    Campaign.ends_at > bindparam("since"),
    Campaign.ends_at - Campaign.starts_at > SHORTEST,
)


async def list_versions_in_force(
    session: AsyncSession,
    community_id: int,
    *,
    at: datetime,
    rule_ids: Sequence[int] | None = None,
    codes: Sequence[str] | None = None,
) -> Sequence[VersionRow]:
    """Return each rule, or those of these numbers or codes, with the version in force then.

    By category and name.
    """
    statement, values = _IN_FORCE, {"community_id": community_id, "at": at}
    if rule_ids is not None:
        statement, values = _IN_FORCE_OF, values | {"rule_ids": rule_ids}
    if codes is not None:
        statement, values = _IN_FORCE_BY_CODE, values | {"codes": codes}
    return [(row[0], row[1], row[2]) for row in (await session.execute(statement, values)).all()]


async def list_versions(
    session: AsyncSession, community_id: int, version_ids: Sequence[int]
) -> Sequence[VersionRow]:
    """Return versions by their numbers, whether in force or not."""
    statement = _VERSIONS.where(RuleVersion.rule_version_id.in_(version_ids))
    values = {"community_id": community_id}
    return [(row[0], row[1], row[2]) for row in (await session.execute(statement, values)).all()]


async def list_versions_of(
    session: AsyncSession, community_id: int, code: str
) -> Sequence[VersionRow]:
    """Return all versions of the rule with this code, the newest first."""
    statement = _VERSIONS.where(Rule.code == code).order_by(RuleVersion.version.desc())
    values = {"community_id": community_id}
    return [(row[0], row[1], row[2]) for row in (await session.execute(statement, values)).all()]


async def list_newest_versions(
    session: AsyncSession, community_id: int, codes: Sequence[str]
) -> dict[str, tuple[Rule, RuleVersion]]:
    """Return rules by code, each with its newest version, in force already or not."""
    statement = (
        select(Rule, RuleVersion)
        .ext(distinct_on(Rule.rule_id))
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
        )
        .where(Rule.community_id == community_id, Rule.code.in_(codes))
        .order_by(Rule.rule_id, RuleVersion.version.desc())
        .execution_options(populate_existing=True)
    )
    return {row[0].code: (row[0], row[1]) for row in (await session.execute(statement)).all()}


async def get_rule(session: AsyncSession, community_id: int, code: str) -> Rule | None:
    statement = select(Rule).where(Rule.community_id == community_id, Rule.code == code)
    return await session.scalar(statement)


async def list_campaigns(
    session: AsyncSession, community_id: int, *, at: datetime, since: datetime
) -> Sequence[Campaign]:
    """Return the campaigns that ran at some time since one moment until another.

    One that was called off before it began never ran.
    """
    values = {"community_id": community_id, "at": at, "since": since}
    return (await session.scalars(_LIST_CAMPAIGNS, values)).all()


async def get_procedure(session: AsyncSession, community_id: int) -> Procedure:
    """Return how a community decides; every community has its procedure."""
    return await session.get_one(Procedure, community_id)


async def get_appeal_days(session: AsyncSession, community_id: int, *, at: datetime) -> Record:
    """Return the appeal_days that held at a moment, and the appeal_answer_days of now."""
    values = {"community_id": community_id, "at": at}
    return (await session.execute(text(_APPEAL_DAYS), values)).one()


async def lock_procedure(session: AsyncSession, community_id: int) -> Procedure:
    """Return the procedure, locked: who changes rules or procedure goes one after another."""
    statement = (
        select(Procedure)
        .where(Procedure.community_id == community_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one()


async def list_categories(session: AsyncSession, community_id: int) -> Sequence[RuleCategory]:
    statement = select(RuleCategory).where(RuleCategory.community_id == community_id)
    return (await session.scalars(statement)).all()


async def list_notices_of_changes(
    session: AsyncSession, community_id: int, change_ids: Sequence[int]
) -> dict[int, int]:
    """Return the public notices under which changes of rules stood, by change."""
    statement = select(RuleChange.rule_change_id, RuleChange.public_notice_id).where(
        RuleChange.community_id == community_id, RuleChange.rule_change_id.in_(change_ids)
    )
    rows = (await session.execute(statement)).all()
    return {row.rule_change_id: row.public_notice_id for row in rows}
