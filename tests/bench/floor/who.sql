\set turn :turn + 1
\set caller :client_id + :clients * (:turn % :seats)
\set seat :caller * :stride
\set resident :first_resident + :seat
\set person :first_person + :seat
\set session :first_session + :caller
\set id :base + (:client_id << 21) + :turn
