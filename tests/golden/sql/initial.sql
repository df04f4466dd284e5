-- variants: default schemas avro transaction-metadata avro-transaction-metadata
-- connector: snapshot.mode=initial
-- connector: table.exclude.list=public\.parted

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

-- Before the table of the barriers, which is empty, and so the first of all, whose first row is told.
CREATE TABLE admin (id int PRIMARY KEY, v text);

INSERT INTO admin VALUES (1, 'root'), (2, 'nobody');

CREATE TABLE empty (id int PRIMARY KEY, v text);

CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', doubled int GENERATED ALWAYS AS (id * 2) STORED);

INSERT INTO customers (id, name) VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger');

CREATE TABLE generated (a int NOT NULL, b int NOT NULL GENERATED ALWAYS AS (a + 1) STORED, c text GENERATED ALWAYS AS ('c' || a) STORED, d text, PRIMARY KEY (b, a));

INSERT INTO generated (a, d) VALUES (1, 'x'), (2, NULL);

CREATE TABLE generated_only (a int GENERATED ALWAYS AS (7) STORED PRIMARY KEY);

INSERT INTO generated_only DEFAULT VALUES;

CREATE TABLE single (id bigserial PRIMARY KEY, at timestamptz);

INSERT INTO single (at) VALUES ('2026-01-02 03:04:05.678901+00');

CREATE TABLE keyless (a int, b numeric(10,2));

INSERT INTO keyless VALUES (1, 1.50), (1, 1.50), (NULL, NULL);

CREATE TABLE keyless_unique (a int NOT NULL, b text NOT NULL, c int);

CREATE UNIQUE INDEX keyless_unique_b ON keyless_unique (b, a);

INSERT INTO keyless_unique VALUES (1, 'x', NULL), (2, 'y', 3);

CREATE TABLE identity_full (id int PRIMARY KEY, v text);

ALTER TABLE identity_full REPLICA IDENTITY FULL;

INSERT INTO identity_full VALUES (1, 'a'), (2, NULL);

CREATE TABLE identity_nothing (id int PRIMARY KEY, v text);

ALTER TABLE identity_nothing REPLICA IDENTITY NOTHING;

INSERT INTO identity_nothing VALUES (1, 'a'), (2, NULL);

CREATE TABLE identity_index (id int PRIMARY KEY, code text NOT NULL, v text);

CREATE UNIQUE INDEX identity_index_code ON identity_index (code);

ALTER TABLE identity_index REPLICA IDENTITY USING INDEX identity_index_code;

INSERT INTO identity_index VALUES (1, 'a', 'x'), (2, 'b', NULL);

CREATE TABLE toasted (id int PRIMARY KEY, out_of_line text, compressed text, b bytea, n numeric);

ALTER TABLE toasted ALTER out_of_line SET STORAGE EXTERNAL;

INSERT INTO toasted VALUES (1, repeat('0123456789', 300), repeat('x', 5000), decode(repeat('00ff', 1500), 'hex'), repeat('9', 1500)::numeric), (2, NULL, '', '', 0);

CREATE TABLE parted (id int, region text NOT NULL, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);

CREATE TABLE parted_north PARTITION OF parted FOR VALUES IN ('north');

CREATE TABLE parted_south (v text, region text NOT NULL, id int NOT NULL, PRIMARY KEY (id, region));

ALTER TABLE parted ATTACH PARTITION parted_south FOR VALUES IN ('south');

INSERT INTO parted VALUES (1, 'north', 'a'), (2, 'south', 'b'), (3, 'south', NULL);

CREATE TABLE parent (id int PRIMARY KEY, v text);

-- Debezium reads a table together with those that inherit from it: DIFFERENCES.md.
CREATE TABLE child (w int, PRIMARY KEY (id)) INHERITS (parent);

INSERT INTO parent VALUES (1, 'p');

CREATE SCHEMA "Odd-Schema";

CREATE TYPE "Odd-Schema".mood AS ENUM ('sad', 'ok');

CREATE DOMAIN "Odd-Schema"."Short" AS varchar(5) NOT NULL;

CREATE TABLE "Odd-Schema"."Mixed Case" ("Id" int PRIMARY KEY, "a.b" text, "select" int, m "Odd-Schema".mood DEFAULT 'ok', ms "Odd-Schema".mood[], s "Odd-Schema"."Short" DEFAULT 'x');

INSERT INTO "Odd-Schema"."Mixed Case" VALUES (1, 'x', 2, 'sad', '{sad,ok}', 'short'), (2, NULL, NULL, NULL, NULL, '');

CREATE TABLE dropped_column (id int PRIMARY KEY, gone text, v text);

INSERT INTO dropped_column VALUES (1, 'gone', 'there');

ALTER TABLE dropped_column DROP COLUMN gone;

ALTER TABLE dropped_column ADD COLUMN added int NOT NULL DEFAULT 42;

CREATE TABLE zz_empty (id int PRIMARY KEY, v text);

-- workload

INSERT INTO customers (id, name) VALUES (4, 'Barbara')

UPDATE customers SET name = 'Ada Lovelace' WHERE id = 1

DELETE FROM customers WHERE id = 2

INSERT INTO single (at) VALUES ('2026-01-03 00:00:00+00')

INSERT INTO keyless VALUES (2, 2.50)

UPDATE identity_full SET v = 'b' WHERE id = 1

UPDATE identity_index SET v = 'y', code = 'c' WHERE id = 1

UPDATE toasted SET id = 3 WHERE id = 1

UPDATE parted SET v = 'changed'

INSERT INTO child VALUES (3, 'c', 4)

INSERT INTO "Odd-Schema"."Mixed Case" VALUES (3, 'x', 2, 'sad', '{sad,ok}', 'short')

UPDATE dropped_column SET v = 'changed'

INSERT INTO zz_empty VALUES (1, 'a')

INSERT INTO empty VALUES (1, 'a')
