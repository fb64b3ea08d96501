"""SQL of checks of transfers; audit/walks.py says what each takes and returns.

What has a key outside of the page is looked up row by row: in a LATERAL with OFFSET 0, or as a
value. Joined, PostgreSQL might read whole tables for it, page by page.
"""

from app.audit.queries import page_by

TRANSFERS_PAGE = page_by("transfer_id", "transfers")
REVERSED_POINTS_PAGE = page_by("transfer_id", "reversed_points")

_OF_PAGE = """transfers.community_id = :community_id
        AND transfers.transfer_id > :after AND transfers.transfer_id <= :until"""

# From which kind of account to which; `owners` says whether they are one person's.
_WAYS = """
    VALUES ('award', 'issuer', 'wallet', NULL),
        ('deduction', 'wallet', 'penalty', NULL),
        ('spend', 'wallet', 'merchant', NULL),
        ('expiry', 'wallet', 'expired', NULL),
        ('expiry', 'savings', 'expired', NULL),
        ('decay', 'wallet', 'expired', NULL),
        ('decay', 'savings', 'expired', NULL),
        ('saving', 'wallet', 'savings', true),
        ('withdrawal', 'savings', 'wallet', true),
        ('donation', 'wallet', 'fund', NULL),
        ('gift', 'wallet', 'wallet', false)
"""

GO_THEIR_WAY = f"""
    WITH way (kind, payer, receiver, is_one_owner) AS ({_WAYS})
    SELECT 'transfer ' || transfer_id AS subject,
        transfers.kind || ' from ' || coalesce(payer.kind || ' of ' || payer.owner_id, 'nowhere')
            || ' to ' || coalesce(receiver.kind || ' of ' || receiver.owner_id, 'nowhere')
            AS stored,
        coalesce((
            SELECT string_agg(way.payer || ' to ' || way.receiver || CASE is_one_owner
                WHEN true THEN ' of one owner' WHEN false THEN ' of another' ELSE '' END, ' or ')
            FROM way WHERE way.kind = transfers.kind), 'no such kind') AS expected
    FROM transfers
        LEFT JOIN LATERAL (
            SELECT kind, owner_id FROM accounts
            WHERE accounts.community_id = :community_id AND account_id = debit_account_id
            OFFSET 0) AS payer ON true
        LEFT JOIN LATERAL (
            SELECT kind, owner_id FROM accounts
            WHERE accounts.community_id = :community_id AND account_id = credit_account_id
            OFFSET 0) AS receiver ON true
    WHERE {_OF_PAGE} AND transfers.kind <> 'reversal' AND NOT EXISTS (
        SELECT FROM way
        WHERE way.kind = transfers.kind AND way.payer = payer.kind
            AND way.receiver = receiver.kind
            AND coalesce(is_one_owner = (payer.owner_id = receiver.owner_id), true))
"""  # noqa: S608 - fragments of our own

# Also that nothing else names an original. How much was reversed in all is compared where it is
# counted.
GO_BACK = f"""
    SELECT 'transfer ' || transfers.transfer_id AS subject,
        concat_ws(' ', transfers.kind, 'from', transfers.debit_account_id, 'to',
            transfers.credit_account_id, 'with', coalesce(counted.points, 0), 'reversed') AS stored,
        CASE WHEN original.transfer_id IS NULL THEN 'an original that is there'
            ELSE concat_ws(' ', 'reversal from', original.credit_account_id, 'to',
                original.debit_account_id, 'of a', original.kind, 'that can be reversed, with',
                transfers.points, 'or more reversed') END AS expected
    FROM transfers
        LEFT JOIN LATERAL (
            SELECT * FROM transfers AS original
            WHERE original.community_id = :community_id
                AND original.transfer_id = transfers.reverses_transfer_id
            OFFSET 0) AS original ON true
        LEFT JOIN LATERAL (
            SELECT points FROM reversed_points
            WHERE reversed_points.community_id = :community_id
                AND reversed_points.transfer_id = transfers.reverses_transfer_id
            OFFSET 0) AS counted ON true
    WHERE {_OF_PAGE}
        AND (transfers.kind = 'reversal' OR transfers.reverses_transfer_id IS NOT NULL)
        AND NOT coalesce(transfers.kind = 'reversal'
            AND original.kind IN ('award', 'deduction', 'spend', 'expiry', 'decay')
            AND transfers.debit_account_id = original.credit_account_id
            AND transfers.credit_account_id = original.debit_account_id
            AND transfers.points <= counted.points, false)
"""  # noqa: S608 - fragments of our own

# Reversals are found by the account that they give back to, or take an award from.
REVERSED_POINTS = """
    SELECT 'reversed points of transfer ' || counted.transfer_id AS subject,
        counted.points || ' of ' || counted.original_points AS stored,
        reversals.points || ' of ' || coalesce(original.points, 0) AS expected
    FROM reversed_points AS counted
        LEFT JOIN transfers AS original ON original.community_id = :community_id
            AND original.transfer_id = counted.transfer_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points), 0) AS points FROM (
                SELECT points FROM transfers AS reversal
                WHERE original.kind = 'award' AND reversal.community_id = :community_id
                    AND reversal.debit_account_id = original.credit_account_id
                    AND reversal.debit_account_id > 999
                    AND reversal.reverses_transfer_id = original.transfer_id
                UNION ALL
                SELECT points FROM transfers AS reversal
                WHERE original.kind <> 'award' AND reversal.community_id = :community_id
                    AND reversal.credit_account_id = original.debit_account_id
                    AND reversal.credit_account_id > 999
                    AND reversal.reverses_transfer_id = original.transfer_id) AS part)
            AS reversals
    WHERE counted.community_id = :community_id
        AND counted.transfer_id > :after AND counted.transfer_id <= :until
        AND (counted.points, counted.original_points)
            IS DISTINCT FROM (reversals.points, original.points)
"""

_SOURCES = """
    VALUES ('award', 'contribution'), ('deduction', 'contribution'), ('spend', 'hold'),
        ('saving', 'savings'), ('withdrawal', 'savings'), ('gift', 'gift'),
        ('donation', 'donation'), ('expiry', 'expiry'), ('expiry', 'closure'),
        ('decay', 'decay'), ('reversal', 'reversal'), ('reversal', 'manual'),
        ('reversal', 'repair'), ('reversal', 'appeal')
"""
# A reversal stands for itself, or undoes a capture and names that.
COME_FROM = f"""
    WITH source (kind, source_kind) AS ({_SOURCES})
    SELECT 'transfer ' || transfer_id AS subject,
        concat_ws(' ', transfers.kind, 'of', transfers.source_kind, source_id, 'posting',
            posting_id, 'leg', leg, 'by rule version', coalesce(rule_version_id::text, 'none'))
            AS stored,
        concat_ws(' ', transfers.kind, 'of', coalesce((
            SELECT string_agg(source.source_kind, ' or ') FROM source
            WHERE source.kind = transfers.kind), 'nothing'), 'that is there, posting',
            transfer_id, 'leg', CASE transfers.source_kind WHEN 'hold' THEN '1 or more'
                ELSE '0' END, 'by a rule version that is there, if any') AS expected
    FROM transfers
    WHERE {_OF_PAGE} AND NOT coalesce(
        posting_id = transfer_id AND leg >= 0
        AND (leg > 0) = (transfers.source_kind = 'hold')
        AND CASE WHEN rule_version_id IS NULL THEN transfers.kind NOT IN ('award', 'deduction')
            ELSE (SELECT true FROM rule_versions
                WHERE rule_versions.community_id = :community_id
                    AND rule_versions.rule_version_id = transfers.rule_version_id) END
        AND (transfers.kind, transfers.source_kind) IN (SELECT kind, source_kind FROM source)
        AND CASE transfers.source_kind
            WHEN 'contribution' THEN source_id = transfer_id AND (
                SELECT true FROM contributions
                WHERE contributions.community_id = :community_id
                    AND contributions.contribution_id = transfers.source_id)
            WHEN 'hold' THEN (
                SELECT true FROM holds
                WHERE holds.community_id = :community_id
                    AND holds.hold_id = transfers.source_id)
            WHEN 'manual' THEN (
                SELECT true FROM manual_postings
                WHERE manual_postings.community_id = :community_id
                    AND manual_posting_id = transfers.source_id)
            WHEN 'repair' THEN (
                SELECT state = 'done' FROM repair_tasks
                WHERE repair_tasks.community_id = :community_id
                    AND repair_task_id = transfers.source_id
                    AND repair_tasks.contribution_id = reverses_transfer_id)
            WHEN 'appeal' THEN (
                SELECT state IN ('upheld', 'partly_upheld') AND subject_id = reverses_transfer_id
                    AND (filed_by, decided_by) = (maker_id, checker_id)
                FROM appeals
                WHERE appeals.community_id = :community_id
                    AND appeal_id = transfers.source_id)
            WHEN 'reversal' THEN source_id IN (transfer_id, reverses_transfer_id)
            ELSE source_id = transfer_id END, false)
"""  # noqa: S608 - fragments of our own

# Awards and deductions by hand are compared with their contributions elsewhere.
BY_HAND = f"""
    SELECT 'transfer ' || transfers.transfer_id AS subject,
        concat_ws(' ', 'made by', transfers.maker_id, 'checked by',
            coalesce(transfers.checker_id::text, 'nobody')) AS stored,
        CASE WHEN posting.state = 'posted' AND posting.proposed_by <> posting.decided_by
            THEN 'made by ' || posting.proposed_by || ' checked by ' || posting.decided_by
            ELSE 'a posting that another has checked' END AS expected
    FROM transfers
        LEFT JOIN LATERAL (
            SELECT * FROM manual_postings
            WHERE manual_postings.community_id = :community_id
                AND manual_posting_id = transfers.source_id OFFSET 0) AS posting ON true
    WHERE {_OF_PAGE} AND transfers.source_kind = 'manual'
        AND NOT coalesce(posting.state = 'posted' AND posting.proposed_by = transfers.maker_id
            AND posting.decided_by = transfers.checker_id
            AND transfers.maker_id <> transfers.checker_id, false)
"""  # noqa: S608 - fragments of our own
