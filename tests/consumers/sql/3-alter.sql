-- While the connector streams.
ALTER TABLE customers ADD COLUMN phone text;
ALTER TABLE order_lines ADD COLUMN discount numeric(5, 2);
