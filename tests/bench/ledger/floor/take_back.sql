-- What taking 20 points of an award back must write: the book, the record, the boards.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM lots
WHERE community_id = :community AND account_id = :wallet AND remaining - held >= 20
    AND remaining > 0 AND expires_at > now()
ORDER BY lot_id <> :original, expires_at, lot_id LIMIT 1 \gset
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id,
    reverses_transfer_id, maker_id, occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'reversal', :wallet, 1, 20, 'reversal', :id, 0, '收回', :version,
    :original, 1, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO reversed_points (community_id, transfer_id, original_points, points)
VALUES (:community, :original, 1000000000, 20)
ON CONFLICT (community_id, transfer_id) DO UPDATE
    SET points = reversed_points.points + excluded.points;
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :lot, 20);
UPDATE lots SET remaining = remaining - 20 WHERE community_id = :community AND lot_id = :lot;
UPDATE balances SET posted = posted - 20, lots_total = lots_total - 20
WHERE community_id = :community AND account_id = :wallet;
INSERT INTO contribution_reversals (community_id, contribution_id, reversal_id, asked_points,
    taken_points, reason, reversed_by, created_at)
VALUES (:community, :original, :id, 20, 20, '登记有误', 1, now());
UPDATE standings SET score = score - 20, updated_at = now()
WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
    AND resident_id = :wallet;
UPDATE standings SET score = score - 20, updated_at = now()
WHERE community_id = :community AND period = 'month' AND starts_on = :month
    AND resident_id = :wallet;
UPDATE standings SET score = score - 20, updated_at = now()
WHERE community_id = :community AND period = 'week' AND starts_on = :week
    AND resident_id = :wallet;
