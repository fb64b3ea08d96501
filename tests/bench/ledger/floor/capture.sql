-- What a capture must write. Each wallet has one hold here, captured again and again.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM hold_lots
WHERE community_id = :community AND hold_id = :hold \gset
UPDATE holds SET state = 'captured', captured_points = 10, ended_at = now()
WHERE community_id = :community AND hold_id = :hold;
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'spend', :wallet, :shop, 10, 'hold', :id, 1, '社区食堂午餐一份',
    NULL, 1, now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :lot, 10);
UPDATE lots SET remaining = remaining - 10, held = held - 10
WHERE community_id = :community AND lot_id = :lot;
UPDATE balances SET posted = posted - 10, lots_total = lots_total - 10, held = held - 10,
    last_spent_at = now()
WHERE community_id = :community AND account_id = :wallet;
