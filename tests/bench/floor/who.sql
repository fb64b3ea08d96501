\set turn :turn + 1
\set seat (:client_id + :clients * (:turn % :seats)) * :stride
\set resident :first_resident + :seat
\set person :first_person + :seat
\set session :first_session + :seat
