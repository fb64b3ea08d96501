"""SQL of rule books."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.rules.models import Campaign, Procedure, Rule, RuleCategory, RuleVersion

# Down from the top, each branch right after the one it hangs on.
_LIST_CATEGORIES = """
    WITH RECURSIVE tree AS (
        SELECT code, name, parent_code, ARRAY[code] AS path FROM rule_categories
        WHERE community_id = :community_id AND parent_code IS NULL
        UNION ALL
        SELECT branch.code, branch.name, branch.parent_code, tree.path || branch.code
        FROM rule_categories AS branch JOIN tree ON branch.parent_code = tree.code
        WHERE branch.community_id = :community_id AND branch.code <> ALL (tree.path))
    SELECT code, name, parent_code FROM tree ORDER BY path
"""

# A scheduled version could not be taken back: it is kept for good, as are those in force.
_HAS_HISTORY = """
    SELECT EXISTS (SELECT FROM transfers WHERE community_id = :community_id)
        OR EXISTS (SELECT FROM rule_changes WHERE community_id = :community_id)
"""


async def list_categories(session: AsyncSession, community_id: int) -> Sequence[Record]:
    """Return the tree of categories (code, name, parent_code), parents before their branches."""
    return (await session.execute(text(_LIST_CATEGORIES), {"community_id": community_id})).all()


async def get_procedure(session: AsyncSession, community_id: int) -> Procedure | None:
    return await session.get(Procedure, community_id)


async def list_campaign_codes(session: AsyncSession, community_id: int) -> set[str]:
    statement = select(Campaign.code).where(Campaign.community_id == community_id)
    return set(await session.scalars(statement))


async def list_stored_categories(
    session: AsyncSession, community_id: int
) -> dict[str, RuleCategory]:
    """Return every category by its code."""
    statement = select(RuleCategory).where(RuleCategory.community_id == community_id)
    return {category.code: category for category in await session.scalars(statement)}


async def has_history(session: AsyncSession, community_id: int) -> bool:
    """Tell whether points have moved, or a change of rules was ever proposed."""
    return bool(await session.scalar(text(_HAS_HISTORY), {"community_id": community_id}))


async def list_rules(
    session: AsyncSession, community_id: int, codes: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return (rule, its highest version) by code, of the rules there ever were."""
    statement = (
        select(Rule.code, Rule.rule_id, func.max(RuleVersion.version))
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
        )
        .where(Rule.community_id == community_id, Rule.code.in_(codes))
        .group_by(Rule.code, Rule.rule_id)
    )
    return {row[0]: (row[1], row[2]) for row in (await session.execute(statement)).all()}


async def end_versions(
    session: AsyncSession, community_id: int, rule_ids: Sequence[int], *, at: datetime
) -> None:
    """End the versions in force."""
    statement = update(RuleVersion).where(
        RuleVersion.community_id == community_id,
        RuleVersion.rule_id.in_(rule_ids),
        RuleVersion.effective_until.is_(None),
    )
    await session.execute(statement.values(effective_until=at))
