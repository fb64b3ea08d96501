-- What a check-in must write, and the rank it must read.
\set id :base + (:client_id << 21) + :turn
\set activity :base + :turn / :seats
BEGIN;
INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
    occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
    recorded_by, acted_at, created_at)
VALUES (:community, :id, 'activity', :activity, :resident, '', :rule, :version, 'awarded',
    1, 20, 20,
    '{"rule": "weekend_clean_up", "name": "周末大扫除", "units": 1, "bonuses": [],
      "base_points": 20, "points_each": 20, "total_points": 20}',
    :person, now(), now());
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'award', 1, :resident, 20, 'contribution', :id, 0, '周末大扫除',
    :version, :person, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at,
    expires_at)
VALUES (:community, :id, :resident, :id, 20, 20, now(), 'infinity');
UPDATE balances SET posted = posted + 20, lots_total = lots_total + 20
WHERE community_id = :community AND account_id = :resident;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'all', '1970-01-01', :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'month', :month, :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'week', :week, :resident, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
WITH mine AS (
    SELECT score FROM standings
    WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
        AND resident_id = :resident)
SELECT score,
    1 + (SELECT count(*) FROM standings AS above
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND above.score > mine.score) AS rank,
    1 + (SELECT count(*) FROM standings AS above
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND above.score > mine.score - 20 AND resident_id <> :resident) AS rank_before
FROM mine;
COMMIT;
