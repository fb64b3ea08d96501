\set turn :turn + 1
\set wallet :hot_wallet
\set id :base + (:client_id << 21) + :turn
