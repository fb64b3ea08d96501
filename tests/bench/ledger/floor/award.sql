-- What an award must write. Its lot never lapses, so a spend in between finds the first as before.
INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
    occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
    recorded_by, acted_at, created_at)
VALUES (:community, :id, 'activity', :id, :wallet, '', :rule, :version, 'awarded', 1, 20, 20,
    '{"rule": "weekend_clean_up", "name": "周末大扫除", "units": 1, "bonuses": [],
      "base_points": 20, "points_each": 20, "total_points": 20}',
    1, now(), now());
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'award', 1, :wallet, 20, 'contribution', :id, 0, '周末大扫除',
    :version, 1, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining, earned_at,
    expires_at)
VALUES (:community, :id, :wallet, :id, 20, 20, now(), 'infinity');
UPDATE balances SET posted = posted + 20, lots_total = lots_total + 20,
    next_expiry_at = least(next_expiry_at, now() + interval '1 year')
WHERE community_id = :community AND account_id = :wallet;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'all', '1970-01-01', :wallet, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'month', :month, :wallet, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
VALUES (:community, 'week', :week, :wallet, 20, now())
ON CONFLICT (community_id, period, starts_on, resident_id) DO UPDATE
    SET score = standings.score + excluded.score, updated_at = excluded.updated_at;
