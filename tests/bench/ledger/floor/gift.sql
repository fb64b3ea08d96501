-- What a gift of 10 points must write: out of the lot that lapses first, into a lot of its own.
SELECT account_id FROM balances
WHERE community_id = :community AND account_id IN (:wallet, :other)
ORDER BY account_id
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM lots
WHERE community_id = :community AND account_id = :wallet AND remaining - held >= 10
    AND remaining > 0 AND expires_at > now()
ORDER BY expires_at, lot_id LIMIT 1 \gset
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
VALUES (:community, :id, :id, 'gift', :wallet, :other, 10, 'gift', :id, 0, '赠送', NULL, 1,
    now(), now(), '\x00112233445566778899aabbccddeeff');
INSERT INTO seal_queue (community_id, transfer_id) VALUES (:community, :id);
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
VALUES (:community, :id, :lot, 10);
UPDATE lots SET remaining = remaining - 10 WHERE community_id = :community AND lot_id = :lot;
INSERT INTO lots (community_id, lot_id, account_id, transfer_id, origin_lot_id, granted,
    remaining, earned_at, expires_at)
VALUES (:community, nextval('derived_lots'), :other, :id, :original, 10, 10, now(), 'infinity');
UPDATE balances SET posted = posted - 10, lots_total = lots_total - 10, last_spent_at = now()
WHERE community_id = :community AND account_id = :wallet;
UPDATE balances SET posted = posted + 10, lots_total = lots_total + 10
WHERE community_id = :community AND account_id = :other;
