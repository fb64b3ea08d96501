-- What a spend must write: 10 points of the lot that lapses first, for the shop.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM lots
WHERE community_id = :community AND account_id = :wallet AND remaining - held >= 10
    AND remaining > 0 AND expires_at > now()
ORDER BY expires_at, lot_id LIMIT 1 \gset
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'spend', :wallet, :shop, 10, 'order', :id, 0, '社区食堂', NULL, 1,
    now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :lot, 10);
UPDATE lots SET remaining = remaining - 10 WHERE community_id = :community AND lot_id = :lot;
UPDATE balances SET posted = posted - 10, lots_total = lots_total - 10, last_spent_at = now()
WHERE community_id = :community AND account_id = :wallet;
