-- What a report with one photo must write, paid at once; the photo cannot be deleted meanwhile.
\set photo :first_photo + :caller
BEGIN;
SELECT photo_id FROM photos
WHERE community_id = :community AND photo_id = :photo AND person_id = :person
    AND deleted_at IS NULL
FOR SHARE;
INSERT INTO cases (community_id, case_id, kind, category_id, state, status_code, grid_id,
    reporter_id, reported_by, assigned_to, description, address, latitude, longitude, reported_at,
    due_at, escalates_at)
VALUES (:community, :id, 'hazard', :category, 'reported', 'reported', :grid, :resident, :person,
    :worker, '三单元楼道堆放旧家具，消防通道被挡住一半', '三单元楼道', 30.5918, 114.302, now(),
    now() + interval '24 hours', now() + interval '20 hours');
INSERT INTO case_photos (community_id, photo_id, case_id, purpose)
VALUES (:community, :id, :id, 'report');
INSERT INTO case_events (community_id, case_event_id, case_id, action, state, status_code,
    person_id, details, created_at)
VALUES (:community, :id, :id, 'report', 'reported', 'reported', :person, '{}', now());
INSERT INTO content_checks (community_id, content_check_id, kind, text, person_id, state,
    created_at)
VALUES (:community, :id, 'text', '三单元楼道堆放旧家具，消防通道被挡住一半 三单元楼道', :person,
    'waiting', now());
WITH job AS (
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, status)
    VALUES (0, 'check_content', '\x31', now(), 'check_content:' || CAST(:id AS bigint), 'queued'),
        (0, 'compare_photos', '\x31', now(), 'compare_photos:' || CAST(:id AS bigint), 'queued')
    RETURNING id, entrypoint)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, 0 FROM job;
INSERT INTO inbox_messages (community_id, inbox_message_id, person_id, kind, title, body,
    subject_kind, subject_id, created_at)
VALUES (:community, :id, :worker, 'case_assigned', '新事件待受理',
    '第 1 网格有新上报：安全隐患 三单元楼道', 'case', :id, now());
INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
    occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
    recorded_by, acted_at, created_at)
VALUES (:community, :id, 'case', :id, :resident, 'reported hazard_uploaded', :hazard_rule,
    :hazard_version, 'awarded', 1, 3, 3,
    '{"rule": "hazard_uploaded", "name": "隐患上报", "units": 1, "bonuses": [],
      "base_points": 3, "points_each": 3, "total_points": 3}',
    :person, now(), now());
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'award', 1, :resident, 3, 'contribution', :id, 0,
    '隐患上报：安全隐患', :hazard_version, :person, now(), now(),
    '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at,
    expires_at, follows_policy)
VALUES (:community, :id, :resident, :id, 3, 3, now(), :lapses, true);
UPDATE balances SET posted = posted + 3, lots_total = lots_total + 3,
    next_expiry_at = least(next_expiry_at, :lapses)
WHERE community_id = :community AND account_id = :resident;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'all', '1970-01-01', :resident, 3, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS all_score \gset
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'month', :month, :resident, 3, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS month_score \gset
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'week', :week, :resident, 3, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at
RETURNING score AS week_score \gset
INSERT INTO score_changes (community_id, period, starts_on, scores, at_least) VALUES
    (:community, 'all', '1970-01-01',
        CASE WHEN CAST(:all_score AS bigint) = 3 THEN ARRAY[CAST(:all_score AS bigint)]
            ELSE ARRAY[CAST(:all_score AS bigint) - 3, CAST(:all_score AS bigint)] END,
        CASE WHEN CAST(:all_score AS bigint) = 3 THEN ARRAY[1] ELSE ARRAY[0, 1] END),
    (:community, 'month', :month,
        CASE WHEN CAST(:month_score AS bigint) = 3 THEN ARRAY[CAST(:month_score AS bigint)]
            ELSE ARRAY[CAST(:month_score AS bigint) - 3, CAST(:month_score AS bigint)] END,
        CASE WHEN CAST(:month_score AS bigint) = 3 THEN ARRAY[1] ELSE ARRAY[0, 1] END),
    (:community, 'week', :week,
        CASE WHEN CAST(:week_score AS bigint) = 3 THEN ARRAY[CAST(:week_score AS bigint)]
            ELSE ARRAY[CAST(:week_score AS bigint) - 3, CAST(:week_score AS bigint)] END,
        CASE WHEN CAST(:week_score AS bigint) = 3 THEN ARRAY[1] ELSE ARRAY[0, 1] END);
INSERT INTO idempotency_keys (community_id, caller_id, operation, key, request_hash, status,
    answer, created_at)
VALUES (:community, :person, 'POST /v1/cases', :id,
    '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 201,
    '{"case_id": "190668865536617488", "state": "reported", "status_name": "待受理",
      "grid_name": "第 1 网格", "due_at": "2026-11-19T0700Z", "points_gained": 3,
      "is_capped": false, "balance_points": 500003}', now());
COMMIT;
