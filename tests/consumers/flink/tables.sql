CREATE TABLE customers (
    id INT, name STRING, email STRING, is_active BOOLEAN, credit DECIMAL(12, 2), birthday STRING,
    registered TIMESTAMP_LTZ(6), preferences STRING, note STRING, phone STRING
);
CREATE TABLE products (
    sku STRING, title STRING, price DECIMAL(10, 4), weight_kg DOUBLE, rating FLOAT, in_stock SMALLINT, code STRING,
    tags ARRAY<STRING>, sizes ARRAY<INT>, picture BYTES, updated TIMESTAMP_LTZ(6)
);
CREATE TABLE orders (
    id BIGINT, customer_id INT, total DECIMAL(18, 6), placed TIMESTAMP_LTZ(3), shipped TIMESTAMP_LTZ(6), due STRING,
    state STRING
);
CREATE TABLE order_lines (order_id BIGINT, line_no INT, sku STRING, quantity STRING, discount DECIMAL(5, 2));
