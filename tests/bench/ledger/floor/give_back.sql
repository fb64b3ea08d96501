-- What giving 5 points back must write: into the lot that they were taken from.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
SELECT lot_moves.lot_id AS lot
FROM transfers JOIN lot_moves USING (community_id, transfer_id)
WHERE community_id = :community AND transfer_id = :original \gset
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id,
    reverses_transfer_id, maker_id, occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'reversal', :shop, :wallet, 5, 'reversal', :id, 0, '退还', NULL,
    :original, 1, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO reversed_points (community_id, transfer_id, original_points, points)
VALUES (:community, :original, 1000000000, 5)
ON CONFLICT (community_id, transfer_id) DO UPDATE
    SET points = reversed_points.points + excluded.points;
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :lot, -5);
UPDATE lots SET remaining = remaining + 5 WHERE community_id = :community AND lot_id = :lot;
UPDATE balances SET posted = posted + 5, lots_total = lots_total + 5
WHERE community_id = :community AND account_id = :wallet;
