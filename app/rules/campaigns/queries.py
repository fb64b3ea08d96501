"""SQL of campaigns."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Grid
from app.core.database import Record
from app.rules.models import SHORTEST, Campaign, Direction, Rule, RuleCategory, RuleVersion

# The room above keeps the count, by resident, with everybody's under 0 where there is a budget.
_READ_USAGE = """
    SELECT coalesce(sum(used_points), 0)::bigint AS given_points,
        count(*) FILTER (WHERE used_points > 0) AS residents
    FROM campaign_usage
    WHERE community_id = :community_id AND campaign_id = :campaign_id AND resident_id <> 0
"""


async def list_current(
    session: AsyncSession, community_id: int, *, now: datetime
) -> Sequence[Campaign]:
    """Return the campaigns that run or are coming, by when they start."""
    statement = (
        select(Campaign)
        .where(
            Campaign.community_id == community_id,
            Campaign.ends_at > now,
            Campaign.ends_at - Campaign.starts_at > SHORTEST,
        )
        .order_by(Campaign.starts_at, Campaign.code)
    )
    return (await session.scalars(statement)).all()


async def get_campaign(
    session: AsyncSession, community_id: int, campaign_id: int
) -> Campaign | None:
    return await session.get(Campaign, (community_id, campaign_id))


async def lock_campaign(
    session: AsyncSession, community_id: int, campaign_id: int
) -> Campaign | None:
    """Return a campaign as it stands now, locked."""
    statement = (
        select(Campaign)
        .where(Campaign.community_id == community_id, Campaign.campaign_id == campaign_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_rule_names(
    session: AsyncSession, community_id: int, *, ending_after: datetime
) -> dict[str, str]:
    """Return the names of earning rules in force or scheduled then, by code, the newest name."""
    statement = (
        select(Rule.code, RuleVersion.name)
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id) & (RuleVersion.rule_id == Rule.rule_id),
        )
        .where(
            Rule.community_id == community_id,
            RuleVersion.direction == Direction.EARN,
            or_(RuleVersion.effective_until.is_(None), RuleVersion.effective_until > ending_after),
        )
        .order_by(RuleVersion.version)
    )
    return {row.code: row.name for row in (await session.execute(statement)).all()}


async def list_category_names(session: AsyncSession, community_id: int) -> dict[str, str]:
    statement = select(RuleCategory.code, RuleCategory.name).where(
        RuleCategory.community_id == community_id
    )
    return {row.code: row.name for row in (await session.execute(statement)).all()}


async def list_grid_names(session: AsyncSession, community_id: int) -> dict[int, str]:
    statement = select(Grid.grid_id, Grid.name).where(Grid.community_id == community_id)
    return {row.grid_id: row.name for row in (await session.execute(statement)).all()}


async def read_usage(session: AsyncSession, community_id: int, campaign_id: int) -> Record:
    """Return what a limited campaign has given, and to how many."""
    values = {"community_id": community_id, "campaign_id": campaign_id}
    return (await session.execute(text(_READ_USAGE), values)).one()
