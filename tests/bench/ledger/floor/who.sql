\set turn :turn + 1
\set seat :client_id + :clients * (:turn % :seats)
\set wallet :first_wallet + :seat
\set other :first_wallet + (:seat + :clients) % :wallets
\set original :first_lot + :seat
\set hold :first_hold + :seat
\set id :base + (:client_id << 21) + :turn
