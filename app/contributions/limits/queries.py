"""SQL of intervals between acts, of what campaigns have given, and of giving it free again."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.posting import EVERYBODY, AwardItem, CampaignKey, SpacedKey

Rows = list[dict[str, Any]]

# What was taken back as if it had not been (frees_caps) keeps no distance either.
_READ_SPACED = """
    SELECT there.rule_id, there.resident_id, there.acted_at
    FROM (SELECT * FROM json_to_recordset(CAST(:spaced AS json)) AS row(
            rule_id bigint, resident_id bigint, since timestamptz, until timestamptz)
        LIMIT json_array_length(CAST(:spaced AS json))) AS wanted
    JOIN contributions AS there ON there.community_id = :community_id AND is_spaced
        AND there.rule_id = wanted.rule_id AND there.resident_id = wanted.resident_id
        AND there.acted_at > wanted.since AND there.acted_at < wanted.until
    WHERE NOT EXISTS (SELECT FROM contribution_reversals AS reversal
        WHERE reversal.community_id = :community_id AND frees_caps
            AND reversal.contribution_id = there.contribution_id)
"""

# A budget's row is made before it is locked, so that there is one to wait for.
_OPEN_BUDGETS = """
    INSERT INTO campaign_usage (community_id, campaign_id, resident_id, used_points)
    SELECT :community_id, campaign_id, 0, 0 FROM unnest(CAST(:budgets AS bigint[])) AS campaign_id
    ON CONFLICT DO NOTHING
"""
_LOCK_BUDGETS = """
    SELECT campaign_id FROM campaign_usage
    WHERE community_id = :community_id AND resident_id = 0
        AND campaign_id = ANY(CAST(:budgets AS bigint[]))
    ORDER BY campaign_id FOR NO KEY UPDATE
"""
_READ_CAMPAIGNS = """
    SELECT there.campaign_id, there.resident_id, used_points
    FROM (SELECT * FROM json_to_recordset(CAST(:campaigns AS json)) AS row(
            campaign_id bigint, resident_id bigint)
        LIMIT json_array_length(CAST(:campaigns AS json))) AS wanted
    JOIN campaign_usage AS there ON there.community_id = :community_id
        AND there.campaign_id = wanted.campaign_id AND there.resident_id = wanted.resident_id
"""

ADD_CAMPAIGN_USAGE = """
    INSERT INTO campaign_usage (community_id, campaign_id, resident_id, used_points)
    SELECT :community_id, campaign_id, resident_id, used_points
    FROM json_to_recordset(CAST(:campaigns AS json)) AS row(
        campaign_id bigint, resident_id bigint, used_points bigint)
    ON CONFLICT (community_id, campaign_id, resident_id) DO UPDATE
        SET used_points = campaign_usage.used_points + excluded.used_points
"""

_FIRST_DAY = """
    CASE cap ->> 'period' WHEN 'all' THEN DATE '1970-01-01'
        ELSE CAST(date_trunc(cap ->> 'period', CAST(day AS timestamp)) AS date) END
"""
# Budgets of an award's campaigns and of others named, in the order in which awards lock theirs.
_LOCK_BUDGETS_OF = """
    SELECT campaign_id FROM campaign_usage
    WHERE community_id = :community_id AND resident_id = 0
        AND (campaign_id = ANY(CAST(:budgets AS bigint[])) OR campaign_id IN (
            SELECT campaigns.campaign_id
            FROM contributions CROSS JOIN jsonb_array_elements(breakdown -> 'bonuses') AS bonus
                JOIN campaigns ON campaigns.community_id = :community_id
                    AND campaigns.code = bonus ->> 'campaign'
            WHERE contributions.community_id = :community_id
                AND contribution_id = :contribution_id))
    ORDER BY campaign_id FOR NO KEY UPDATE
"""
# Of an award that is undone whole, as if it had not been.
_FREE = f"""
    WITH undone AS (
        SELECT contributions.rule_id, resident_id, granted_points, caps, breakdown,
            CAST(acted_at AT TIME ZONE CAST(:timezone AS text) AS date) AS day
        FROM contributions JOIN rule_versions USING (community_id, rule_version_id)
        WHERE contributions.community_id = :community_id AND contribution_id = :contribution_id
            AND granted_points > 0),
    cap AS (
        UPDATE cap_usage
            SET used_points = used_points - granted_points, used_times = used_times - 1
        FROM (SELECT DISTINCT rule_id, resident_id, granted_points, cap ->> 'period' AS period,
                {_FIRST_DAY} AS starts_on
            FROM undone CROSS JOIN jsonb_array_elements(caps) AS cap) AS freed
        WHERE cap_usage.community_id = :community_id AND cap_usage.rule_id = freed.rule_id
            AND cap_usage.resident_id = freed.resident_id AND cap_usage.period = freed.period
            AND cap_usage.starts_on = freed.starts_on)
    UPDATE campaign_usage SET used_points = used_points - freed.points
    FROM (SELECT campaign_id, undone.resident_id,
            CAST(coalesce(bonus -> 'granted_points', bonus -> 'points') AS bigint) AS points
        FROM undone CROSS JOIN jsonb_array_elements(breakdown -> 'bonuses') AS bonus
            JOIN campaigns ON campaigns.community_id = :community_id
                AND campaigns.code = bonus ->> 'campaign') AS freed
    WHERE campaign_usage.community_id = :community_id
        AND campaign_usage.campaign_id = freed.campaign_id
        AND campaign_usage.resident_id IN (freed.resident_id, 0)
"""  # noqa: S608 - fragments of this file


async def read_spaced(
    session: AsyncSession, community_id: int, items: Sequence[AwardItem]
) -> dict[SpacedKey, list[datetime]]:
    """Return when residents acted near the items' acts under rules that ask for an interval."""
    wanted = [
        {
            "rule_id": item.terms.rule_id,
            "resident_id": item.resident_id,
            "since": (item.acted_at - item.terms.min_interval).isoformat(),
            "until": (item.acted_at + item.terms.min_interval).isoformat(),
        }
        for item in items
        if item.terms.min_interval is not None
    ]
    values = {"community_id": community_id, "spaced": json.dumps(wanted)}
    spaced: dict[SpacedKey, list[datetime]] = {}
    for row in (await session.execute(text(_READ_SPACED), values)).all():
        spaced.setdefault((row.rule_id, row.resident_id), []).append(row.acted_at)
    return spaced


async def read_campaigns(
    session: AsyncSession, community_id: int, items: Sequence[AwardItem]
) -> dict[CampaignKey, int]:
    """Return what campaigns have given; their budgets' rows are locked first, in order."""
    keys = sorted({key for item in items for key in item.campaign_keys()})
    budgets = [campaign_id for campaign_id, whose in keys if whose == EVERYBODY]
    values: dict[str, Any] = {"community_id": community_id}
    if budgets:
        await session.execute(text(_OPEN_BUDGETS), values | {"budgets": budgets})
        await session.execute(text(_LOCK_BUDGETS), values | {"budgets": budgets})
    wanted = json.dumps(campaign_rows(dict.fromkeys(keys, 0)))
    rows = await session.execute(text(_READ_CAMPAIGNS), values | {"campaigns": wanted})
    return {(row.campaign_id, row.resident_id): row.used_points for row in rows.all()}


def campaign_rows(used: Mapping[CampaignKey, int]) -> Rows:
    """Return the use of campaigns as rows of the award statement, in key order."""
    return [
        {"campaign_id": campaign_id, "resident_id": whose, "used_points": used[campaign_id, whose]}
        for campaign_id, whose in sorted(used)
    ]


async def free_caps(
    session: AsyncSession,
    community_id: int,
    contribution_id: int,
    *,
    timezone: str,
    before: Sequence[AwardItem] = (),
) -> None:
    """Give free what an award used of caps and campaigns; the caller holds the balance row.

    What is awarded after it in the same transaction is named: all budgets are locked in one order.
    """
    values: dict[str, Any] = {"community_id": community_id, "contribution_id": contribution_id}
    keys = {key for item in before for key in item.campaign_keys()}
    budgets = sorted(campaign_id for campaign_id, whose in keys if whose == EVERYBODY)
    await session.execute(text(_LOCK_BUDGETS_OF), values | {"budgets": budgets})
    await session.execute(text(_FREE), values | {"timezone": timezone})
