"""Rules that no preset has, put in force in a test's community."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.rules.book.schemas import RuleData
from app.rules.models import Rule, RuleVersion


async def add_rules(
    sessions: async_sessionmaker[AsyncSession],
    community_id: int,
    rules: Iterable[dict[str, Any]],
    *,
    since: datetime,
) -> None:
    """Let rules be in force since then, and for all time."""
    async with sessions.begin() as session:
        for stated in rules:
            rule = RuleData.model_validate({"category": "helping"} | stated)
            rule_id = new_id(since)
            session.add(Rule(community_id=community_id, rule_id=rule_id, code=rule.code))
            await session.flush()
            session.add(
                RuleVersion(
                    community_id=community_id, rule_version_id=new_id(since), rule_id=rule_id,
                    version=1, effective_from=since, effective_until=None, **rule.stored(),
                )
            )  # fmt: skip
