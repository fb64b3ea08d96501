-- What a redemption must write: the price held in the lot that lapses first, and the voucher.
\set id :base + (:client_id << 21) + :turn
BEGIN;
SELECT posted, lots_total, debt, held FROM balances
WHERE community_id = :community AND account_id = :resident
FOR NO KEY UPDATE;
SELECT lot_id AS lot FROM lots
WHERE community_id = :community AND account_id = :resident AND remaining - held >= 50
    AND remaining > 0 AND expires_at > now()
ORDER BY expires_at, lot_id LIMIT 1 \gset
UPDATE lots SET held = held + 50 WHERE community_id = :community AND lot_id = :lot;
INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state, created_at,
    expires_at)
VALUES (:community, :id, :resident, 'redemption', '社区食堂午餐一份', 50, 'held', now(),
    now() + interval '30 days');
INSERT INTO hold_lots (community_id, hold_id, lot_id, points)
VALUES (:community, :id, :lot, 50);
UPDATE balances SET held = held + 50
WHERE community_id = :community AND account_id = :resident;
INSERT INTO vouchers (community_id, voucher_id, reward_id, resident_id, typed_code, points, state,
    issued_at, valid_until)
VALUES (:community, :id, :reward, :resident, :id, 50, 'issued', now(), now() + interval '30 days');
UPDATE rewards SET stock_left = stock_left - 1
WHERE community_id = :community AND reward_id = :reward AND state = 'on_sale' AND stock_left > 0;
COMMIT;
