-- What a hold must write: 10 points pinned in the lot that lapses first.
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :wallet
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM lots
WHERE community_id = :community AND account_id = :wallet AND remaining - held >= 10
    AND remaining > 0 AND expires_at > now()
ORDER BY expires_at, lot_id LIMIT 1 \gset
INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state, created_at,
    expires_at)
VALUES (:community, :id, :wallet, 'redemption', '社区食堂午餐一份', 10, 'held', now(),
    now() + interval '30 days');
INSERT INTO hold_lots (community_id, hold_id, lot_id, points)
VALUES (:community, :id, :lot, 10);
UPDATE lots SET held = held + 10 WHERE community_id = :community AND lot_id = :lot;
UPDATE balances SET held = held + 10
WHERE community_id = :community AND account_id = :wallet;
