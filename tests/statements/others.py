"""What five thousand others have in the tables that grow, all in one community.

They are residents 1001 and up, who are nobody here. Their hazards lie thirty metres apart in the
first grid; all but a few were solved long ago.
"""

GROWING = (
    "contributions", "transfers", "accounts", "lots", "balances", "cap_usage", "holds", "hold_lots",
    "lot_moves", "vouchers", "idempotency_keys", "cases", "case_photos", "case_joins",
    "case_events", "photos", "content_checks", "inbox_messages", "wechat_messages",
    "message_quotas", "consents", "seals", "tree_nodes", "unlinked_transfers",
    "claims", "claim_reviews", "manual_postings", "award_list_rows", "appeals", "standings",
    "score_counts",
)  # fmt: skip

OTHERS = (
    # Five at each score, on the boards that are read.
    """INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
        SELECT :community, period, starts_on, 1000 + n, 1 + n / 5, now()
        FROM generate_series(1, :many) AS n CROSS JOIN (VALUES ('month', DATE '2026-11-01'),
            ('all', DATE '1970-01-01')) AS board (period, starts_on)""",
    """INSERT INTO score_counts (community_id, period, starts_on, level, slot, residents)
        SELECT community_id, period, starts_on, level, score >> 6 * level, count(*)
        FROM standings CROSS JOIN generate_series(0, 2) AS level
        WHERE community_id = :community AND resident_id > 1000 GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT DO NOTHING""",
    """INSERT INTO contributions SELECT :community, n, 'activity', n % 50, 1000 + n, '', 1, 1,
        'awarded', 1, 1, 1, '{}', NULL, 1, now(), now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO transfers SELECT :community, n, n, 'award', 1, 1000 + n, 1, 'contribution', n,
        0, '', 1, NULL, 1, NULL, now(), now(), '' FROM generate_series(1, :many) AS n""",
    """INSERT INTO lots SELECT :community, n, 1000 + n, n, NULL, 1, 1, 0, now(), 'infinity'
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO accounts SELECT :community, 1000 + n, 'wallet', 1000 + n, now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO balances (community_id, account_id, posted, lots_total)
        SELECT :community, 1000 + n, 1, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO cap_usage SELECT :community, 1, 1000 + n, 'day', current_date, 1, 1
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state,
        created_at, expires_at) SELECT :community, n, 1000 + n, 'redemption', '', 1, 'released',
        now(), now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO hold_lots SELECT :community, n, n, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO lot_moves SELECT :community, n, n, 1 FROM generate_series(1, :many) AS n""",
    """INSERT INTO vouchers SELECT :community, n, 1, 1000 + n, n::text, 1, 'cancelled', now(),
        now(), NULL, NULL, now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO idempotency_keys SELECT :community, n, 'POST /', 'k', '', 200, '{}', now()
        FROM generate_series(1, :many) AS n""",
    # Of the category that reports are of, around where they are made, with the grid's worker.
    """INSERT INTO cases (community_id, case_id, kind, category_id, state, status_code, grid_id,
            reporter_id, reported_by, assigned_to, description, address, latitude, longitude,
            reported_at, closed_at)
        SELECT community_id, n, 'hazard', category_id, state, state, grid_id, 1000 + n, 1000 + n,
            person_id, '', '', 31.2 + n / 71 * 0.00028, 121.4 + n % 71 * 0.00032, now(),
            CASE WHEN state = 'confirmed' THEN now() END
        FROM generate_series(1, :many) AS n
            CROSS JOIN LATERAL (
                SELECT CASE WHEN n % 100 = 0 THEN 'accepted' ELSE 'confirmed' END AS state) AS its
            CROSS JOIN (
                SELECT community_id, min(category_id) AS category_id FROM case_categories
                WHERE community_id = :community AND code = 'safety' GROUP BY 1) AS category
            CROSS JOIN (
                SELECT grid_id, person_id FROM role_grants
                WHERE community_id = :community AND role = 'grid_worker'
                ORDER BY grid_id LIMIT 1) AS worker""",
    """INSERT INTO case_photos SELECT :community, 100000 + n, n, 'report'
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO case_joins SELECT :community, n, 1001 + n, 1001 + n, now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO case_events SELECT :community, 200000 + n, n / 2, 'report', 'reported',
        'reported', 1000 + n, NULL, '{}', now() FROM generate_series(1, :many) AS n""",
    """INSERT INTO photos (community_id, photo_id, person_id, upload_hash, served_key, width,
            height, perceptual_hash, created_at, original_until)
        SELECT :community, 100000 + n, 1000 + n, '', 'served/' || n, 64, 64, n, now(), now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO content_checks (community_id, content_check_id, kind, person_id, state,
            decided_at, created_at)
        SELECT :community, number, 'text', 1000 + n, 'passed', now(), now()
        FROM generate_series(1, :many) AS n
            CROSS JOIN LATERAL (VALUES (n), (100000 + n)) AS checked (number)""",
    """INSERT INTO inbox_messages (community_id, inbox_message_id, person_id, kind, title, body,
            created_at)
        SELECT :community, n, 1000 + n, 'case_progress', '', '', now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO wechat_messages (community_id, wechat_message_id, person_id, kind, fields, state,
            created_at)
        SELECT :community, n, 1000 + n, 'case_progress', '{}', 'sent', now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO message_quotas SELECT 1000 + n, 'app', 'template', 1, now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO consents (community_id, consent_id, person_id, purpose, version, granted_at)
        SELECT :community, n, 1000 + n, 'service', 1, now()
        FROM generate_series(1, :many) AS n""",
    # Far to the right of whatever the tests seal.
    """INSERT INTO seals SELECT :community, 1000000 + n, n, decode(repeat('00', 32), 'hex')
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO tree_nodes SELECT :community, 4, 1000000 + n, decode(repeat('00', 32), 'hex')
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO unlinked_transfers SELECT :community, n, '{}', now()
        FROM generate_series(1, :many) AS n""",
    # All but a few decided long ago, by the reviewer whose queue is read.
    """INSERT INTO claims (community_id, claim_id, resident_id, rule_id, rule_version_id, units,
            mode, acted_at, note, shows_deed, state, review_level, approvals, claimed_by,
            claimed_at, reason)
        SELECT :community, n, 1000 + n, 1, 1, 1, 'any', now() - interval '1 day', '', false,
            CASE WHEN n % 1000 = 0 THEN 'in_review' ELSE 'refused' END, 1, 0, 1000 + n, now(), ''
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, reason, claimant_id,
            entered_by, reviewed_at)
        SELECT :community, n, 2, 'refuse', '', 1000 + n, 1000 + n, now()
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO manual_postings (community_id, manual_posting_id, kind, state, resident_id,
            transfer_id, points, is_our_fault, reason, proposed_by, proposed_at, decided_by,
            decided_at, result)
        SELECT :community, n, 'repair', 'posted', 1000 + n, n, 1, false, '', 1, now(), 2, now(),
            '{}' FROM generate_series(1, :many) AS n""",
    """INSERT INTO award_lists (community_id, award_list_id, title, file_hash, row_count,
            asked_points, state, proposed_by, proposed_at, decided_by, decided_at, posted_at)
        VALUES (:community, 1, '', '', :many, 1, 'posted', 1, now(), 2, now(), now())""",
    """INSERT INTO award_list_rows (community_id, award_list_id, row_number, resident_id, rule_id,
            rule_version_id, units, acted_at, note, contribution_id, granted_points)
        SELECT :community, 1, n, 1000 + n, 1, 1, 1, now(), '', n, 1
        FROM generate_series(1, :many) AS n""",
    """INSERT INTO appeals (community_id, appeal_id, kind, subject_id, resident_id, text, state,
            involved, filed_by, filed_at, answer_until, decided_by, decided_at, outcome)
        SELECT :community, n, 'award', n, 1000 + n, '', 'dismissed', '[]', 1000 + n, now(), now(),
            1, now(), '' FROM generate_series(1, :many) AS n""",
)  # fmt: skip
