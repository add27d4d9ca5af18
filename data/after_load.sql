-- New rows go on after the loaded ones.
SELECT setval('users_id_seq', (SELECT max(id) FROM users));
SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));

CREATE INDEX orders_by_user ON orders (user_id);
