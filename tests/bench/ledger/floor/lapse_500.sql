-- The same for 500 wallets with one statement for each table.
\set turn :turn + 1
\set batch :turn % :batches
\set wallet :first_wallet + 500 * :batch
\set original :first_lot + 500 * :batch
\set id :base + 500 * :turn
BEGIN;
SELECT account_id FROM balances
WHERE community_id = :community AND account_id BETWEEN :wallet AND :wallet + 499::bigint
ORDER BY account_id
FOR NO KEY UPDATE;
INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
    credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
    occurred_at, posted_at, salt)
SELECT :community, :id + k, :id + k, 'expiry', :wallet + k, 2, 1, 'expiry', :id + k, 0,
    '积分到期清零', NULL, 0, now(), now(), '\x00112233445566778899aabbccddeeff'
FROM generate_series(0::bigint, :last_of_batch) AS k;
INSERT INTO seal_queue (community_id, transfer_id)
SELECT :community, :id + k FROM generate_series(0::bigint, :last_of_batch) AS k;
INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
SELECT :community, :id + k, :original + k, 1 FROM generate_series(0::bigint, :last_of_batch) AS k;
UPDATE lots SET remaining = remaining - 1
WHERE community_id = :community AND lot_id BETWEEN :original AND :original + 499::bigint;
UPDATE balances SET posted = posted - 1, lots_total = lots_total - 1
WHERE community_id = :community AND account_id BETWEEN :wallet AND :wallet + 499::bigint;
COMMIT;
