UPDATE customers SET phone = format('+49 30 %s', id) WHERE id % 4 = 0;
UPDATE order_lines SET discount = line_no * -0.25 WHERE order_id % 20 = 0;
DELETE FROM customers WHERE id % 100 = 1;
INSERT INTO order_lines VALUES (2000, 1, 'sku-1', NULL, 12.5), (2000, 2, 'sku-2', 1e-20, NULL);
-- The last change of every table: readers of an endless topic stop there.
INSERT INTO customers (id, name, is_active, registered) VALUES (2147483647, 'the end', true, '2025-01-01Z');
INSERT INTO products (sku, title, price, weight_kg) VALUES ('the end', '', 0, -0.5);
INSERT INTO orders (id, customer_id, total, placed, state) VALUES (9223372036854775807, 0, -1, '2025-01-01', 'new');
INSERT INTO order_lines (order_id, line_no, sku) VALUES (9223372036854775807, 0, 'the end');
INSERT INTO documents (id, revision) VALUES (2147483647, 0);
INSERT INTO carts (id) VALUES (2147483647);
