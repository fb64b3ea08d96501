"""SQL of the public statistics of appeals."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

_COUNT = """
    SELECT kind, begins_on, count(*) AS filed,
        count(*) FILTER (WHERE state = 'upheld') AS upheld,
        count(*) FILTER (WHERE state = 'partly_upheld') AS partly_upheld,
        count(*) FILTER (WHERE state = 'dismissed') AS dismissed,
        count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE state = 'open') AS open,
        count(*) FILTER (WHERE state = 'open' AND answer_until < :now) AS overdue,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM decided_at - filed_at) / 86400)
            FILTER (WHERE state IN ('upheld', 'partly_upheld', 'dismissed')) AS median_days
    FROM appeals CROSS JOIN LATERAL (
        SELECT CAST(date_trunc('quarter', filed_at AT TIME ZONE CAST(:timezone AS text)) AS date)
            AS begins_on) AS quarter
    WHERE community_id = :community_id
    GROUP BY kind, begins_on ORDER BY begins_on DESC, kind LIMIT :size
"""


async def count_by_quarter(
    session: AsyncSession, community_id: int, *, timezone: str, size: int, now: datetime
) -> Sequence[Record]:
    """Return how appeals ended by local quarter of filing, newest first, and kind."""
    values = {"community_id": community_id, "timezone": timezone, "size": size, "now": now}
    return (await session.execute(text(_COUNT), values)).all()
