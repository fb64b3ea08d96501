"""SQL that compares contributions with their transfers.

An award, a deduction and their contribution carry one number, and so do a reversal and the record
of what was undone: both sides are ranges of their keys, laid beside each other. OFFSET 0 keeps
what else is needed a look-up for each row.
"""

from app.audit.queries import KeyColumn, keys_between

_BEFORE_ALL = str(-(2**63))
LIST_ROW = (
    KeyColumn("award_list_id", "bigint", _BEFORE_ALL),
    KeyColumn("row_number", "bigint", _BEFORE_ALL),
)

PAGE_ACTS = (
    ("transfer_id", "transfers"),
    ("contribution_id", "contributions"),
    ("reversal_id", "contribution_reversals"),
)


def _rows(table: str, key: str) -> str:
    return f"""(
        SELECT * FROM {table}
        WHERE community_id = :community_id AND {key} > :after AND {key} <= :until)
    """  # noqa: S608 - names of our own


_TRANSFERS = _rows("transfers", "transfer_id")
_CONTRIBUTIONS = _rows("contributions", "contribution_id")
_REVERSALS = _rows("contribution_reversals", "reversal_id")

_POSTED_SAYS = """
    jsonb_build_object('version', rule_version_id, 'at', occurred_at,
        'resident', CASE kind WHEN 'award' THEN credit_account_id ELSE debit_account_id END,
        'points', CASE kind WHEN 'award' THEN points ELSE -points END,
        'maker', maker_id, 'checker', checker_id)
"""
_GRANTED_SAYS = """
    jsonb_build_object('version', rule_version_id, 'at', acted_at, 'resident', resident_id,
        'points', granted_points, 'maker', recorded_by, 'checker', checked_by)
"""

CONTRIBUTIONS_AND_TRANSFERS_AGREE = f"""
    WITH posted AS MATERIALIZED (
        SELECT transfer_id AS number, {_POSTED_SAYS} AS said
        FROM {_TRANSFERS} AS transfer WHERE kind IN ('award', 'deduction')),
    granted AS MATERIALIZED (
        SELECT contribution_id AS number, {_GRANTED_SAYS} AS said
        FROM {_CONTRIBUTIONS} AS contribution WHERE granted_points <> 0)
    SELECT 'contribution ' || number AS subject, coalesce(granted.said::text, 'none') AS stored,
        coalesce(posted.said::text, 'none') AS expected
    FROM posted FULL JOIN granted USING (number)
    WHERE posted.said IS DISTINCT FROM granted.said
"""  # noqa: S608 - fragments of this file

RULES_ARE_THERE = f"""
    SELECT 'contribution ' || contribution_id AS subject,
        'version ' || contribution.rule_version_id || ' of rule ' || contribution.rule_id
            AS stored,
        coalesce('rule ' || version.rule_id, 'a version that is there') AS expected
    FROM {_CONTRIBUTIONS} AS contribution
        LEFT JOIN rule_versions AS version ON version.community_id = :community_id
            AND version.rule_version_id = contribution.rule_version_id
    WHERE version.rule_id IS DISTINCT FROM contribution.rule_id
"""  # noqa: S608 - fragments of this file

# Before postings by hand had to be checked, nothing stood behind them (`committee_alone`).
SOURCES_ARE_THERE = f"""
    SELECT 'contribution ' || contribution_id AS subject,
        concat_ws(' ', 'by', source_kind, source_id) AS stored,
        CASE WHEN source_kind IN ('daily_check_in', 'newcomer')
            THEN concat_ws(' ', 'by', source_kind, rule_id)
            ELSE 'by ' || source_kind || ' that is there' END AS expected
    FROM {_CONTRIBUTIONS} AS contribution
    WHERE NOT CASE source_kind
        WHEN 'activity' THEN EXISTS (SELECT FROM activities
            WHERE activities.community_id = :community_id AND activity_id = source_id)
        WHEN 'case' THEN EXISTS (SELECT FROM cases
            WHERE cases.community_id = :community_id AND case_id = source_id)
        WHEN 'daily_check_in' THEN source_id = rule_id
        WHEN 'newcomer' THEN source_id = rule_id
        WHEN 'claim' THEN EXISTS (SELECT FROM claims
            WHERE claims.community_id = :community_id AND claim_id = source_id
                AND claims.contribution_id = contribution.contribution_id
                AND claims.resident_id = contribution.resident_id)
        WHEN 'award_list' THEN EXISTS (SELECT FROM award_list_rows AS line
            WHERE line.community_id = :community_id AND award_list_id = source_id
                AND CAST(row_number AS text) = occasion
                AND line.contribution_id = contribution.contribution_id
                AND line.resident_id = contribution.resident_id)
        WHEN 'duty' THEN EXISTS (SELECT FROM duties
            WHERE duties.community_id = :community_id AND duty_id = source_id
                AND duties.rule_id = contribution.rule_id
                AND duties.resident_id = contribution.resident_id)
        WHEN 'appeal' THEN EXISTS (SELECT FROM appeals
            WHERE appeals.community_id = :community_id AND appeal_id = source_id
                AND appeals.resident_id = contribution.resident_id
                AND appeals.state IN ('upheld', 'partly_upheld'))
        WHEN 'committee' THEN EXISTS (SELECT FROM manual_postings AS posting
            WHERE posting.community_id = :community_id AND manual_posting_id = source_id
                AND posting.resident_id = contribution.resident_id AND posting.state = 'posted')
        ELSE true END
"""  # noqa: S608 - fragments of this file

# What could not be taken back was asked for all the same, and stands in no transfer.
REVERSALS_AND_RECORDS_AGREE = f"""
    WITH posted AS MATERIALIZED (
        SELECT transfer.transfer_id AS number, jsonb_build_object(
            'contribution', original.transfer_id, 'points', transfer.points) AS said
        FROM {_TRANSFERS} AS transfer CROSS JOIN LATERAL (
            SELECT transfer_id, kind FROM transfers
            WHERE community_id = :community_id
                AND transfer_id = transfer.reverses_transfer_id
            OFFSET 0) AS original
        WHERE reverses_transfer_id IS NOT NULL AND original.kind IN ('award', 'deduction')),
    undone AS MATERIALIZED (
        SELECT reversal_id AS number, jsonb_build_object(
            'contribution', contribution_id, 'points', taken_points) AS said
        FROM {_REVERSALS} AS reversal WHERE taken_points > 0)
    SELECT 'undoing ' || number AS subject, coalesce(undone.said::text, 'none') AS stored,
        coalesce(posted.said::text, 'none') AS expected
    FROM posted FULL JOIN undone USING (number)
    WHERE posted.said IS DISTINCT FROM undone.said
"""  # noqa: S608 - fragments of this file

NO_MORE_IS_UNDONE_THAN_WAS_DONE = f"""
    SELECT 'undone of contribution ' || reversal.contribution_id AS subject,
        asked.points AS stored, 'at most ' || coalesce(abs(granted_points), 0) AS expected
    FROM {_REVERSALS} AS reversal
        LEFT JOIN LATERAL (
            SELECT granted_points FROM contributions
            WHERE community_id = :community_id
                AND contribution_id = reversal.contribution_id
            OFFSET 0) AS act ON true
        CROSS JOIN LATERAL (
            SELECT sum(every.asked_points)::bigint AS points
            FROM contribution_reversals AS every
            WHERE every.community_id = :community_id
                AND every.contribution_id = reversal.contribution_id) AS asked
    WHERE asked.points > coalesce(abs(granted_points), 0)
"""  # noqa: S608 - fragments of this file

# Awards and deductions stand on a contribution, all else is a transfer of the posting's own.
APPROVED_POSTINGS_WERE_POSTED = f"""
    SELECT 'posting by hand ' || manual_posting_id AS subject,
        CASE WHEN act.contribution_id IS NULL AND transfer.transfer_id IS NULL THEN 'not posted'
            ELSE 'proposed by ' || coalesce(recorded_by, maker_id)
                || ', checked by ' || coalesce(checked_by, checker_id) END AS stored,
        'proposed by ' || proposed_by || ', checked by ' || decided_by AS expected
    FROM {_rows("manual_postings", "manual_posting_id")} AS posting
        LEFT JOIN LATERAL (
            SELECT contribution_id, recorded_by, checked_by FROM contributions
            WHERE community_id = :community_id AND source_kind = 'committee'
                AND source_id = manual_posting_id AND resident_id = posting.resident_id
                AND occasion = '' AND posting.kind IN ('award', 'deduction')
            OFFSET 0) AS act ON true
        LEFT JOIN LATERAL (
            SELECT transfer_id, maker_id, checker_id FROM transfers
            WHERE community_id = :community_id AND source_kind = 'manual'
                AND source_id = manual_posting_id AND leg = 0
                AND posting.kind IN ('repair', 'reversal')
            OFFSET 0) AS transfer ON true
    WHERE posting.state = 'posted' AND CASE
        WHEN posting.kind IN ('award', 'deduction')
            THEN (recorded_by, checked_by) IS DISTINCT FROM (proposed_by, decided_by)
        ELSE result ->> 'moved_points' <> '0'
            AND (maker_id, checker_id) IS DISTINCT FROM (proposed_by, decided_by) END
"""  # noqa: S608 - fragments of this file

# Whose word an award rests on: as many others as the rule wanted, and none of the household.
CLAIMS_WERE_REVIEWED = f"""
    SELECT 'claim ' || claim.claim_id AS subject,
        concat_ws(' ', state, 'after', approvals, 'approvals, reviewed by', counted.people)
            AS stored,
        'at least ' || review_level || ' approvals of people uninvolved' AS expected
    FROM {_rows("claims", "claim_id")} AS claim CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE verdict = 'approve') AS approvals_there,
            count(*) FILTER (WHERE reviewer_id IN (claim.claimed_by, claimant_id)
                OR reviewer_household_id = claimant_household_id) AS own,
            string_agg(CAST(reviewer_id AS text), ', ') AS people
        FROM claim_reviews AS review
        WHERE review.community_id = :community_id AND review.claim_id = claim.claim_id
    ) AS counted
    WHERE own > 0 OR approvals <> approvals_there
        OR (state IN ('approved', 'in_notice', 'awarded') AND approvals_there < review_level)
"""  # noqa: S608 - fragments of this file

CLAIMS_WERE_AWARDED = f"""
    SELECT 'claim ' || claim.claim_id AS subject,
        coalesce('contribution ' || act.contribution_id || ' recorded by ' || recorded_by,
            'no contribution') AS stored,
        'a contribution of claim ' || claim.claim_id || ', recorded by ' || claimed_by AS expected
    FROM {_rows("claims", "claim_id")} AS claim LEFT JOIN LATERAL (
        SELECT * FROM contributions
        WHERE community_id = :community_id AND contribution_id = claim.contribution_id
        OFFSET 0) AS act ON true
    WHERE claim.contribution_id IS NOT NULL AND (
        act.source_kind, act.source_id, act.resident_id, act.rule_version_id, act.recorded_by
    ) IS DISTINCT FROM (
        'claim', claim.claim_id, claim.resident_id, claim.rule_version_id, claim.claimed_by)
"""  # noqa: S608 - fragments of this file

LIST_ROWS_WERE_AWARDED = f"""
    SELECT concat_ws(' ', 'row', row_number, 'of award list', award_list_id) AS subject,
        coalesce(act.granted_points || ' points to resident ' || act.resident_id,
            'no contribution') AS stored,
        concat_ws(' ', row.granted_points, 'points to resident', row.resident_id) AS expected
    FROM award_list_rows AS row LEFT JOIN LATERAL (
        SELECT * FROM contributions
        WHERE community_id = :community_id AND contribution_id = row.contribution_id
        OFFSET 0) AS act ON true
    WHERE row.community_id = :community_id AND {keys_between(LIST_ROW)}
        AND row.contribution_id IS NOT NULL AND (
            act.source_kind, act.source_id, act.occasion, act.resident_id, act.granted_points
        ) IS DISTINCT FROM (
            'award_list', award_list_id, CAST(row_number AS text), row.resident_id,
            row.granted_points)
"""  # noqa: S608 - fragments of this file
