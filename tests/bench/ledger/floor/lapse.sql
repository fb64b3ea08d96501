-- What must be written when points of a wallet lapse or halve.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'expiry', :wallet, 2, 1, 'expiry', :id, 0, '积分到期清零', NULL, 0,
    now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :original, 1);
UPDATE lots SET remaining = remaining - 1 WHERE community_id = :community AND lot_id = :original;
UPDATE balances SET posted = posted - 1, lots_total = lots_total - 1
WHERE community_id = :community AND account_id = :wallet;
