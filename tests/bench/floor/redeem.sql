-- What a redemption must write: the price held in the lot that lapses first, the voucher, and the
-- answer under its key; the stock last, as its row is shared by all who redeem.
BEGIN;
SELECT resident_id, (
    SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)) FROM role_grants
    WHERE role_grants.community_id = login_sessions.community_id
        AND role_grants.person_id = login_sessions.person_id) AS grants
FROM login_sessions
    LEFT JOIN residents ON residents.community_id = login_sessions.community_id
        AND residents.person_id = login_sessions.person_id AND residents.state = 'active'
WHERE session_id = :session AND login_sessions.person_id = :person
    AND login_sessions.community_id = :community AND revoked_at IS NULL;
SELECT price_points, stock_left, state, voucher_days FROM rewards
WHERE community_id = :community AND reward_id = :reward;
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
INSERT INTO idempotency_keys (community_id, caller_id, operation, key, request_hash, status,
    answer, created_at)
VALUES (:community, :person, 'POST /v1/rewards/190668865536617488/redeem', :id,
    '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 201,
    '{"voucher_id": "190668865536617488", "reward_name": "社区食堂午餐一份", "points": 50,
      "state": "issued", "typed_code": "7K2P-9QXM-4T", "valid_until": "2026-12-22T0700Z"}', now());
COMMIT;
