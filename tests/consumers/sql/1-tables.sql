-- A shop. The first four tables log whole old rows, which Flink and Pathway ask for; the last two have PostgreSQL's
-- default, so that their old rows are keys and values out of line are not repeated.
CREATE TYPE order_state AS ENUM ('new', 'paid', 'sent', 'lost');

CREATE TABLE customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email varchar(200),
    is_active boolean NOT NULL,
    credit numeric(12, 2),
    birthday date,
    registered timestamptz NOT NULL,
    preferences jsonb,
    note text
);
CREATE TABLE products (
    sku text PRIMARY KEY,
    title text NOT NULL,
    price numeric(10, 4) NOT NULL,
    weight_kg double precision NOT NULL,
    rating real,
    in_stock smallint,
    code uuid,
    tags text[],
    sizes int[],
    picture bytea,
    updated timestamp(6)
);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id int NOT NULL,
    total numeric(18, 6) NOT NULL,
    placed timestamp(3) NOT NULL,
    shipped timestamptz,
    due time,
    state order_state NOT NULL
);
CREATE TABLE order_lines (
    order_id bigint,
    line_no int,
    sku text NOT NULL,
    quantity numeric,
    PRIMARY KEY (order_id, line_no)
);
ALTER TABLE customers REPLICA IDENTITY FULL;
ALTER TABLE products REPLICA IDENTITY FULL;
ALTER TABLE orders REPLICA IDENTITY FULL;
ALTER TABLE order_lines REPLICA IDENTITY FULL;

CREATE TABLE documents (
    id int PRIMARY KEY,
    title text,
    body text,
    revision int NOT NULL
);
ALTER TABLE documents ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE carts (
    id int PRIMARY KEY,
    customer_id int,
    content jsonb,
    touched timestamptz
);
