"""What a book states, as new rows: categories, rules with a first version, campaigns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.rules.book.campaigns import campaign_columns
from app.rules.book.schemas import CampaignData, RuleCategoryData, RuleData
from app.rules.models import Campaign, Rule, RuleCategory, RuleVersion


async def add_categories(
    session: AsyncSession, community_id: int, stated: Iterable[RuleCategoryData]
) -> None:
    """Add branches one after another: a branch refers to the one it hangs on."""
    for data in stated:
        category = RuleCategory(
            community_id=community_id, code=data.code, name=data.name, parent_code=data.parent
        )
        session.add(category)
        await session.flush()


async def add_rules(
    session: AsyncSession, community_id: int, stated: Sequence[RuleData], *, now: datetime
) -> dict[str, int]:
    """Add rules that are in force from now on; return their numbers by code."""
    rules = {data.code: new_id(now) for data in stated}
    session.add_all(
        Rule(community_id=community_id, rule_id=rules[data.code], code=data.code) for data in stated
    )
    await session.flush()
    await add_versions(session, community_id, {rules[data.code]: (1, data) for data in stated}, now)
    return rules


async def add_versions(
    session: AsyncSession,
    community_id: int,
    stated: Mapping[int, tuple[int, RuleData]],
    now: datetime,
) -> None:
    """Add (version, what it says) of rules, in force from now on."""
    session.add_all(
        RuleVersion(
            community_id=community_id,
            rule_version_id=new_id(now),
            rule_id=rule_id,
            version=version,
            **data.stored(),
            effective_from=now,
            effective_until=None,
        )
        for rule_id, (version, data) in stated.items()
    )
    await session.flush()


async def add_campaigns(
    session: AsyncSession,
    community_id: int,
    stated: Iterable[CampaignData],
    *,
    timezone: str,
    now: datetime,
) -> None:
    """Add the campaigns that have their days; without, they wait to be opened."""
    session.add_all(
        Campaign(
            community_id=community_id,
            campaign_id=new_id(now),
            **campaign_columns(data, timezone=timezone, since=now),
        )
        for data in stated
        if data.starts_on is not None and data.ends_on is not None
    )
    await session.flush()
