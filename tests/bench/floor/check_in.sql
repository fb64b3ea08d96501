-- What a check-in must look at and write, and the ranks before and after that it must read.
\set activity :base + :turn / :seats
BEGIN;
SELECT login_sessions.session_id, activities.version, residents.masked_name,
    revoked_codes.revoked_at, (
        SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)) FROM role_grants
        WHERE role_grants.community_id = :community AND role_grants.person_id = :person) AS grants
FROM login_sessions
    JOIN residents ON residents.community_id = :community AND residents.resident_id = :resident
        AND residents.person_id = :person AND residents.state = 'active'
    JOIN activities ON activities.community_id = :community AND activities.activity_id = :hung
    LEFT JOIN revoked_codes ON revoked_codes.community_id = :community AND kind = 1
        AND subject_id = :hung AND revoked_codes.expires_at = check_in_closes_at
WHERE session_id = :session AND login_sessions.person_id = :person
    AND login_sessions.community_id = :community AND login_sessions.revoked_at IS NULL;
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :resident
FOR NO KEY UPDATE;
SELECT effective_until, (
        SELECT json_agg(json_build_array(period, used_points, used_times)) FROM cap_usage
        WHERE cap_usage.community_id = :community AND cap_usage.rule_id = :rule
            AND resident_id = :resident
            AND (period, starts_on) IN (('day', :day), ('month', :month))) AS used
FROM rule_versions
WHERE community_id = :community AND rule_version_id = :version AND effective_from <= now();
INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
    occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
    recorded_by, acted_at, created_at)
VALUES (:community, :id, 'activity', :activity, :resident, '', :rule, :version, 'awarded',
    1, 20, 20,
    '{"rule": "weekend_clean_up", "name": "周末大扫除", "units": 1, "bonuses": [],
      "base_points": 20, "points_each": 20, "total_points": 20}',
    :person, now(), now());
INSERT INTO cap_usage (community_id, rule_id, resident_id, period, starts_on, used_points,
    used_times)
VALUES (:community, :rule, :resident, 'day', :day, 20, 1),
    (:community, :rule, :resident, 'month', :month, 20, 1)
ON CONFLICT (community_id, rule_id, resident_id, period, starts_on) DO UPDATE
    SET used_points = cap_usage.used_points + excluded.used_points,
        used_times = cap_usage.used_times + excluded.used_times;
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'award', 1, :resident, 20, 'contribution', :id, 0, '周末大扫除',
    :version, :person, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at,
    expires_at, follows_policy)
VALUES (:community, :id, :resident, :id, 20, 20, now(), :lapses, true);
UPDATE balances SET posted = posted + 20, lots_total = lots_total + 20,
    next_expiry_at = least(next_expiry_at, :lapses)
WHERE community_id = :community AND account_id = :resident;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'all', '1970-01-01', :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS all_score \gset
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'month', :month, :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS month_score \gset
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'week', :week, :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS week_score \gset
INSERT INTO score_changes (community_id, period, starts_on, scores, at_least) VALUES
    (:community, 'all', '1970-01-01',
        CASE WHEN CAST(:all_score AS bigint) = 20 THEN ARRAY[CAST(:all_score AS bigint)]
            ELSE ARRAY[CAST(:all_score AS bigint) - 20, CAST(:all_score AS bigint)] END,
        CASE WHEN CAST(:all_score AS bigint) = 20 THEN ARRAY[1] ELSE ARRAY[0, 1] END),
    (:community, 'month', :month,
        CASE WHEN CAST(:month_score AS bigint) = 20 THEN ARRAY[CAST(:month_score AS bigint)]
            ELSE ARRAY[CAST(:month_score AS bigint) - 20, CAST(:month_score AS bigint)] END,
        CASE WHEN CAST(:month_score AS bigint) = 20 THEN ARRAY[1] ELSE ARRAY[0, 1] END),
    (:community, 'week', :week,
        CASE WHEN CAST(:week_score AS bigint) = 20 THEN ARRAY[CAST(:week_score AS bigint)]
            ELSE ARRAY[CAST(:week_score AS bigint) - 20, CAST(:week_score AS bigint)] END,
        CASE WHEN CAST(:week_score AS bigint) = 20 THEN ARRAY[1] ELSE ARRAY[0, 1] END);
SELECT point, 1
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 2 AND slot > point >> 12)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 1 AND slot > point >> 6 AND slot < ((point >> 12) + 1) << 6)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 0 AND slot > point AND slot < ((point >> 6) + 1) << 6)
    + (SELECT coalesce(sum(at_least[width_bucket(point, scores) + 1]), 0) FROM score_changes
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01')
    AS rank
FROM unnest(ARRAY[CAST(:all_score AS bigint), CAST(:all_score AS bigint) - 20]) AS point;
COMMIT;
