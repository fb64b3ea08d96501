"""SQL that compares contributions with their transfers.

An award, a deduction and their contribution carry one number, and so do a reversal and the record
of what was undone: both sides are ranges of their keys, laid beside each other. OFFSET 0 keeps
what else is needed a look-up for each row.
"""

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

# Postings by hand are compared from their side; before there were any, nothing stood behind them.
SOURCES_ARE_THERE = f"""
    SELECT 'contribution ' || contribution_id AS subject,
        concat_ws(' ', 'by', source_kind, source_id) AS stored,
        CASE source_kind WHEN 'daily_check_in' THEN 'by daily_check_in ' || rule_id
            ELSE 'by ' || source_kind || ' that is there' END AS expected
    FROM {_CONTRIBUTIONS} AS contribution
    WHERE NOT CASE source_kind
        WHEN 'activity' THEN EXISTS (SELECT FROM activities
            WHERE activities.community_id = :community_id AND activity_id = source_id)
        WHEN 'case' THEN EXISTS (SELECT FROM cases
            WHERE cases.community_id = :community_id AND case_id = source_id)
        WHEN 'daily_check_in' THEN source_id = rule_id
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
