"""SQL of newcomers who have not been welcomed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Community
from app.core.database import Record
from app.rules.models import ArrivesOn, Direction, RuleVersion

# Who joined before the first version of a rule was in force joined under none.
_LIST_UNWELCOMED = """
    SELECT resident_id, rule_id, rule_version_id, joined_at
    FROM rule_versions AS version JOIN residents USING (community_id)
    WHERE community_id = :community_id AND arrives_on = 'joined' AND direction = 'earn'
        AND residents.state = 'active' AND joined_at > :since AND joined_at <= :now
        AND effective_from <= joined_at
        AND (effective_until IS NULL OR effective_until > joined_at)
        AND (resident_id, rule_id) > (:after_resident, :after_rule)
        AND NOT EXISTS (SELECT FROM contributions AS there
            WHERE there.community_id = :community_id AND there.source_kind = 'newcomer'
                AND there.source_id = version.rule_id
                AND there.resident_id = residents.resident_id AND there.occasion = '')
    ORDER BY resident_id, rule_id LIMIT :size
"""


async def list_welcoming_communities(
    session: AsyncSession, *, since: datetime, now: datetime
) -> Sequence[Record]:
    """Return (community_id, timezone) where a rule for joining was in force at any time since."""
    welcomes = exists().where(
        RuleVersion.community_id == Community.community_id,
        RuleVersion.arrives_on == ArrivesOn.JOINED,
        RuleVersion.direction == Direction.EARN,
        RuleVersion.effective_from <= now,
        RuleVersion.effective_until.is_(None) | (RuleVersion.effective_until > since),
    )
    statement = select(Community.community_id, Community.timezone).where(welcomes)
    return (await session.execute(statement.order_by(Community.community_id))).all()


async def list_unwelcomed(
    session: AsyncSession,
    community_id: int,
    *,
    since: datetime,
    now: datetime,
    after: tuple[int, int],
    size: int,
) -> Sequence[Record]:
    """Return who joined since then under a rule that has given them nothing yet."""
    values = {
        "community_id": community_id,
        "since": since,
        "now": now,
        "after_resident": after[0],
        "after_rule": after[1],
        "size": size,
    }
    return (await session.execute(text(_LIST_UNWELCOMED), values)).all()
