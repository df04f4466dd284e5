-- variants: default schemas avro transaction-metadata

CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'cancelled');

CREATE TABLE customers (
  id serial PRIMARY KEY,
  email varchar(120) NOT NULL UNIQUE,
  full_name text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  credit numeric(10,2) NOT NULL DEFAULT 0.00,
  preferences jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
  sku text PRIMARY KEY,
  title text NOT NULL,
  price numeric(8,2) NOT NULL,
  weight_kg real,
  stock integer NOT NULL DEFAULT 0,
  tags json,
  photo bytea,
  released date
);

CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers (id),
  status order_status NOT NULL DEFAULT 'new',
  total numeric(12,2),
  reference uuid,
  placed_at timestamp NOT NULL,
  deliver_after time
);

CREATE TABLE order_items (
  order_id bigint NOT NULL REFERENCES orders (id),
  line smallint NOT NULL,
  sku text NOT NULL REFERENCES products (sku) ON UPDATE CASCADE,
  quantity integer NOT NULL,
  discount double precision,
  PRIMARY KEY (order_id, line)
);

-- workload

INSERT INTO customers (email, full_name, credit, preferences, created_at) VALUES ('ada@example.com', 'Ada Lovelace', 120.50, '{"news": true, "langs": ["en", "fr"]}', '2024-02-29 12:34:56.789012+00')

INSERT INTO customers (email, full_name, active, created_at) VALUES
 ('grace@example.com', 'Grace Hopper', false, '2024-01-01 00:00:00+00'),
 ('edsger@example.com', 'Edsger W. Dijkstra', true, '2024-06-30 23:59:59.999999+02'),
 ('zoe@example.com', 'Zoë Ünïcode 日本 🎉', true, '1999-12-31 23:59:59.5-08')

BEGIN;
INSERT INTO products VALUES ('A-1', 'Abacus', 19.99, 0.75, 10, '{"wood" : [1, 2.50, null]}', '\x00ff10', '1970-01-01');
INSERT INTO products VALUES ('B-2', 'Book "The Art"', 0.01, 1.1, 0, NULL, NULL, '2038-01-20');
INSERT INTO products VALUES ('C-3', 'Card\back', 999999.99, NULL, -3, '[]', '', '1969-12-31');
COMMIT

BEGIN;
INSERT INTO orders (customer_id, status, total, reference, placed_at, deliver_after) VALUES (1, 'new', 40.98, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-03-01 08:00:00', '08:30');
INSERT INTO order_items VALUES (1, 1, 'A-1', 2, NULL), (1, 2, 'B-2', 1, 0.1);
UPDATE products SET stock = stock - 2 WHERE sku = 'A-1';
UPDATE customers SET credit = credit - 40.98 WHERE id = 1;
COMMIT

INSERT INTO orders (customer_id, status, placed_at) VALUES (2, 'paid', '2024-03-01 08:00:00.123'), (3, 'cancelled', '2024-03-01 08:00:00.123456')

UPDATE orders SET status = 'shipped', total = COALESCE(total, 0) + 1

UPDATE customers SET full_name = upper(full_name) WHERE id > 1

UPDATE products SET sku = 'A-1b' WHERE sku = 'A-1'

UPDATE customers SET id = 100 WHERE id = 4

DELETE FROM order_items WHERE order_id = 1 AND line = 2

DELETE FROM products WHERE sku = 'C-3'

DELETE FROM customers WHERE id = 100

BEGIN;
INSERT INTO customers (id, email, full_name, created_at) VALUES (7, 'seven@example.com', 'Seven', '2024-05-05 05:05:05+00');
UPDATE customers SET id = 8 WHERE id = 7;
DELETE FROM customers WHERE id = 8;
INSERT INTO customers (id, email, full_name, created_at) VALUES (8, 'eight@example.com', 'Eight', '2024-05-05 05:05:05+00');
COMMIT

UPDATE customers SET full_name = full_name WHERE id = 8

DELETE FROM order_items

DELETE FROM orders WHERE id > 1
