-- variants: default
-- connector: snapshot.mode=initial

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

CREATE TABLE empty (id int PRIMARY KEY, v text);

CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', doubled int GENERATED ALWAYS AS (id * 2) STORED);

INSERT INTO customers (id, name) VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger');

CREATE TABLE single (id bigserial PRIMARY KEY, at timestamptz);

INSERT INTO single (at) VALUES ('2026-01-02 03:04:05.678901+00');

CREATE TABLE keyless (a int, b numeric(10,2));

INSERT INTO keyless VALUES (1, 1.50), (1, 1.50);

CREATE TABLE zz_empty (id int PRIMARY KEY, v text);

-- workload

INSERT INTO customers (id, name) VALUES (4, 'Barbara')
