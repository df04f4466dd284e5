-- Inserts, with nulls, text of many scripts, numbers and times of both signs.
BEGIN;
INSERT INTO customers
SELECT i,
       (ARRAY['Ada Lovelace', 'Zoë "the" O''Neil', 'Łukasz \ Żak', '東京 太郎', 'emoji 🦀 <&>', E'tab\tand\nline'])[1 + i % 6],
       CASE WHEN i % 7 > 0 THEN format('c%s@example.com', i) END,
       i % 3 > 0,
       CASE WHEN i % 5 > 0 THEN (i - 250) * 1234.56 END,
       CASE WHEN i % 4 > 0 THEN date '1935-02-28' + i * 97 END,
       timestamptz '1969-12-31 23:59:58.123456+00' + i * interval '37 days 1.000001 seconds',
       CASE i % 3 WHEN 0 THEN jsonb_build_object('theme', 'dark', 'sizes', jsonb_build_array(i, NULL, 1.5), 'n', NULL)
                  WHEN 1 THEN '[]'::jsonb END,
       CASE WHEN i % 2 = 0 THEN repeat('note ', i % 50) END
FROM generate_series(1, 500) AS i;
COMMIT;
BEGIN;
INSERT INTO products
SELECT format('sku-%s', i),
       format('Product №%s', i),
       i * 1.2345,
       (i - 100) / 7.0::double precision,
       CASE WHEN i % 4 > 0 THEN (i % 50) / 10.0::real END,
       (i - 100)::smallint,
       CASE WHEN i % 5 > 0 THEN md5(i::text)::uuid END,
       CASE i % 4 WHEN 0 THEN ARRAY['new', 'a "quoted" one', '', NULL] WHEN 1 THEN ARRAY[]::text[] WHEN 2 THEN ARRAY['ü,{}'] END,
       CASE WHEN i % 3 > 0 THEN ARRAY[i, -i, 0] END,
       CASE WHEN i % 2 = 0 THEN decode(md5(i::text), 'hex') || '\x00ff'::bytea END,
       CASE WHEN i % 8 > 0 THEN timestamp '1969-06-01 00:00:00.000001' + i * interval '101 days 0.1234 seconds' END
FROM generate_series(1, 200) AS i;
COMMIT;
BEGIN;
INSERT INTO orders
SELECT i, 1 + i % 500, i * 3.141593, timestamp '2024-02-28 22:00' + i * interval '1.001 hours',
       CASE WHEN i % 3 = 0 THEN timestamptz '2024-03-01 12:00:00.5+02' + i * interval '1 hour' END,
       CASE WHEN i % 2 = 0 THEN time '08:30:00.000001' + i * interval '1 second' END,
       (enum_range(NULL::order_state))[1 + i % 3]
FROM generate_series(1, 1000) AS i;
INSERT INTO order_lines
-- Without trailing zeros: Debezium's VariableScaleDecimal does not keep them.
SELECT o, l, format('sku-%s', 1 + (o * 7 + l) % 200),
       CASE l WHEN 1 THEN o WHEN 2 THEN trim_scale(o / 3.0) ELSE o * 1e12 + 0.000000000001 END
FROM generate_series(1, 1000) AS o, generate_series(1, 3) AS l;
COMMIT;
-- Bodies that are stored out of line.
INSERT INTO documents SELECT i, format('Document %s', i), repeat(md5(i::text), 200), 0 FROM generate_series(1, 50) AS i;
INSERT INTO carts SELECT i, i, jsonb_build_object('items', i), timestamptz '2024-01-01Z' FROM generate_series(1, 40) AS i;
-- Updates: some columns, all rows, to null and from null.
BEGIN;
UPDATE customers SET credit = credit * 1.1, note = CASE WHEN note IS NULL THEN 'now there' END WHERE id % 3 = 0;
UPDATE products SET price = price + 0.0001, tags = tags || 'sale'::text, updated = updated + interval '1 microsecond';
UPDATE documents SET revision = revision + 1;
COMMIT;
UPDATE documents SET body = 'short now', revision = revision + 1 WHERE id % 5 = 0;
UPDATE documents SET body = repeat(md5(body), 300) WHERE id % 7 = 0;
-- Keys that change, one column and one of two, and deletes.
BEGIN;
UPDATE customers SET id = id + 10000 WHERE id % 50 = 0;
UPDATE order_lines SET line_no = 4, quantity = -quantity WHERE line_no = 3 AND order_id % 10 = 0;
-- Only short bodies: a row under a new key is a new row, and a long one would come without its body.
UPDATE documents SET id = id + 1000 WHERE body = 'short now' AND id % 2 = 0;
DELETE FROM orders WHERE id % 9 = 0;
DELETE FROM order_lines WHERE order_id % 9 = 0;
DELETE FROM carts WHERE id % 2 = 0;
COMMIT;
-- A row that is inserted, changed and deleted in one transaction, and a transaction that is rolled back.
BEGIN;
INSERT INTO products (sku, title, price, weight_kg) VALUES ('fleeting', 'one', 1, 1e-7);
UPDATE products SET title = 'two' WHERE sku = 'fleeting';
DELETE FROM products WHERE sku = 'fleeting';
COMMIT;
BEGIN;
DELETE FROM customers;
ROLLBACK;
-- A key that is used again.
DELETE FROM orders WHERE id = 1;
INSERT INTO orders VALUES (1, 1, 0, timestamp '2025-01-01', NULL, NULL, 'lost');
TRUNCATE carts;
INSERT INTO carts VALUES (2, 2, '{"items": [2]}', '2024-01-02Z'), (3, NULL, NULL, NULL);
