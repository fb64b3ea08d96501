"""SQL of changes of rules."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.rules.models import ChangeState, Rule, RuleCategory, RuleChange, RuleVersion

_PENDING = """
    SELECT DISTINCT change ->> 'code' FROM rule_changes
        CROSS JOIN LATERAL jsonb_array_elements(changes) AS change
    WHERE community_id = :community_id AND state = 'in_notice'
        AND change ->> 'code' = ANY(CAST(:codes AS text[])) AND change ->> 'kind' <> 'procedure'
    ORDER BY 1
"""
_IS_PROCEDURE_PENDING = """
    SELECT EXISTS (
        SELECT FROM rule_changes WHERE community_id = :community_id AND state = 'in_notice'
            AND changes @> '[{"kind": "procedure"}]')
"""


async def list_pending_codes(
    session: AsyncSession, community_id: int, codes: Sequence[str]
) -> list[str]:
    """Return which of these rules are in a change that waits to be decided."""
    values = {"community_id": community_id, "codes": list(codes)}
    return list((await session.scalars(text(_PENDING), values)).all())


async def is_procedure_pending(session: AsyncSession, community_id: int) -> bool:
    """Tell whether a change of the procedure waits to be decided."""
    values = {"community_id": community_id}
    return bool(await session.scalar(text(_IS_PROCEDURE_PENDING), values))


async def list_category_codes(session: AsyncSession, community_id: int) -> set[str]:
    statement = select(RuleCategory.code).where(RuleCategory.community_id == community_id)
    return set((await session.scalars(statement)).all())


async def get_change(
    session: AsyncSession, community_id: int, rule_change_id: int
) -> RuleChange | None:
    return await session.get(RuleChange, (community_id, rule_change_id))


async def lock_change(
    session: AsyncSession, community_id: int, rule_change_id: int
) -> RuleChange | None:
    """Return a change as it stands now, locked."""
    statement = (
        select(RuleChange)
        .where(RuleChange.community_id == community_id, RuleChange.rule_change_id == rule_change_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_changes(
    session: AsyncSession,
    community_id: int,
    *,
    state: ChangeState | None,
    public_notice_id: int | None,
    before: int,
    size: int,
) -> Sequence[RuleChange]:
    """Return changes in a state, or under a notice, or all, newest first."""
    statement = (
        select(RuleChange)
        .where(RuleChange.community_id == community_id, RuleChange.rule_change_id < before)
        .order_by(RuleChange.rule_change_id.desc())
        .limit(size)
    )
    if state is not None:
        statement = statement.where(RuleChange.state == state)
    if public_notice_id is not None:
        statement = statement.where(RuleChange.public_notice_id == public_notice_id)
    return (await session.scalars(statement)).all()


async def lock_rules(session: AsyncSession, community_id: int, codes: Sequence[str]) -> None:
    """Lock the rules with these codes, in the order of their numbers."""
    statement = (
        select(Rule.rule_id)
        .where(Rule.community_id == community_id, Rule.code.in_(codes))
        .order_by(Rule.rule_id)
        .with_for_update(key_share=True)
    )
    await session.execute(statement)


async def list_bases(
    session: AsyncSession, community_id: int, bases: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], RuleVersion]:
    """Return the versions with these codes and version numbers."""
    statement = (
        select(Rule.code, RuleVersion)
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
        )
        .where(Rule.community_id == community_id, tuple_(Rule.code, RuleVersion.version).in_(bases))
    )
    rows = (await session.execute(statement)).all()
    return {(code, version.version): version for code, version in rows}


async def end_versions(
    session: AsyncSession, community_id: int, version_ids: Sequence[int], *, until: datetime
) -> None:
    """Let versions be in force until then; nothing else of a version ever changes."""
    statement = (
        update(RuleVersion)
        .where(
            RuleVersion.community_id == community_id, RuleVersion.rule_version_id.in_(version_ids)
        )
        .values(effective_until=until)
    )
    await session.execute(statement)


async def add_rules(
    session: AsyncSession, rules: Sequence[Rule], versions: Sequence[RuleVersion]
) -> None:
    """Add rules that are new, then versions of rules."""
    session.add_all(rules)
    await session.flush()
    session.add_all(versions)
    await session.flush()
