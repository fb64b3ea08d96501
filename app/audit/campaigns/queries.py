"""SQL that recomputes what campaigns with limits have given.

One way round, from a page of wallets: what their awards say of campaigns. The other way round,
from a page of the counts: each is of somebody's awards, a campaign's own is the sum of those of
its residents, and none is above the campaign's limit.
"""

from app.audit.queries import KeyColumn, keys_between

BEFORE_ALL_NUMBERS = str(-(2**63))
EVERYBODY = 0
USAGE = (
    KeyColumn("campaign_id", "bigint", BEFORE_ALL_NUMBERS),
    KeyColumn("resident_id", "bigint", BEFORE_ALL_NUMBERS),
)

_LIMITED = """
    SELECT campaign_id, code FROM campaigns
    WHERE community_id = :community_id
        AND (per_person_points IS NOT NULL OR budget_points IS NOT NULL)
"""

# What an award got of campaigns, unless it was undone as if it had not been.
_GIVEN = """
    SELECT bonus ->> 'campaign' AS code,
        CAST(coalesce(bonus -> 'granted_points', bonus -> 'points') AS bigint) AS points
    FROM contributions CROSS JOIN jsonb_array_elements(breakdown -> 'bonuses') AS bonus
    WHERE contributions.community_id = :community_id
        AND contributions.contribution_id = there.transfer_id AND granted_points > 0
        AND NOT EXISTS (SELECT FROM contribution_reversals AS reversal
            WHERE reversal.community_id = :community_id
                AND reversal.contribution_id = there.transfer_id AND frees_caps)
    OFFSET 0
"""
_AWARDS = """
    SELECT transfer_id FROM transfers
    WHERE transfers.community_id = :community_id AND credit_account_id = {resident}
        AND credit_account_id > 999 AND transfers.kind = 'award'
    OFFSET 0
"""

# Where no campaign has a limit, nothing is looked up.
CAMPAIGNS_FOLLOW_AWARDS = f"""
    WITH limited AS MATERIALIZED ({_LIMITED}),
    wallet AS MATERIALIZED (
        SELECT account_id FROM accounts
        WHERE community_id = :community_id AND account_id > :after AND account_id <= :until
            AND kind = 'wallet' AND EXISTS (SELECT FROM limited)),
    expected AS (
        SELECT campaign_id, account_id AS resident_id, CAST(sum(points) AS bigint) AS points
        FROM wallet
            CROSS JOIN LATERAL ({_AWARDS.format(resident="account_id")}) AS there
            CROSS JOIN LATERAL ({_GIVEN}) AS given
            JOIN limited USING (code)
        GROUP BY 1, 2)
    SELECT 'given by campaign ' || campaign_id || ' to resident ' || resident_id AS subject,
        coalesce(used_points, 0) AS stored, points AS expected
    FROM expected LEFT JOIN LATERAL (
        SELECT used_points FROM campaign_usage
        WHERE campaign_usage.community_id = :community_id
            AND campaign_usage.campaign_id = expected.campaign_id
            AND campaign_usage.resident_id = expected.resident_id
        OFFSET 0) AS usage ON true
    WHERE coalesce(used_points, 0) <> points
"""  # noqa: S608 - fragments of this file

_PAGE = f"""(
    SELECT * FROM campaign_usage WHERE community_id = :community_id AND {keys_between(USAGE)}
) AS row"""  # noqa: S608 - fragments of this file

CAMPAIGNS_ARE_OF_AWARDS = f"""
    SELECT 'given by campaign ' || row.campaign_id || ' to resident ' || row.resident_id
            AS subject, used_points AS stored, 0 AS expected
    FROM {_PAGE}
    WHERE row.resident_id <> {EVERYBODY} AND used_points <> 0
        AND NOT EXISTS (
            SELECT FROM ({_AWARDS.format(resident="row.resident_id")}) AS there
                CROSS JOIN LATERAL ({_GIVEN}) AS given
                JOIN campaigns ON campaigns.community_id = :community_id
                    AND campaigns.campaign_id = row.campaign_id AND campaigns.code = given.code)
"""  # noqa: S608 - fragments of this file

BUDGETS_ARE_SUMS = f"""
    SELECT 'given by campaign ' || row.campaign_id AS subject, used_points AS stored,
        own.points AS expected
    FROM {_PAGE} CROSS JOIN LATERAL (
        SELECT coalesce(sum(used_points), 0)::bigint AS points FROM campaign_usage AS own
        WHERE own.community_id = :community_id AND own.campaign_id = row.campaign_id
            AND own.resident_id <> {EVERYBODY}) AS own
    WHERE row.resident_id = {EVERYBODY} AND used_points <> own.points
"""  # noqa: S608 - fragments of this file

LIMITS_ARE_KEPT = f"""
    SELECT 'given by campaign ' || row.campaign_id || ' to ' || CASE row.resident_id
            WHEN {EVERYBODY} THEN 'everybody' ELSE 'resident ' || row.resident_id END AS subject,
        used_points AS stored,
        coalesce('at most ' || CASE row.resident_id WHEN {EVERYBODY} THEN budget_points
            ELSE per_person_points END, 'a campaign with a limit') AS expected
    FROM {_PAGE} LEFT JOIN campaigns
        ON campaigns.community_id = :community_id AND campaigns.campaign_id = row.campaign_id
    WHERE CASE row.resident_id
        WHEN {EVERYBODY} THEN budget_points IS NULL OR used_points > budget_points
        ELSE coalesce(per_person_points, budget_points) IS NULL
            OR used_points > coalesce(per_person_points, budget_points) END
"""  # noqa: S608 - fragments of this file
