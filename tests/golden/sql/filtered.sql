-- variants: default transaction-metadata
-- connector: table.include.list=public.kept.*,public.barrier,other.TABLE
-- connector: skipped.operations=u,t

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

CREATE SCHEMA other;

CREATE TABLE kept (id int PRIMARY KEY, v text);

CREATE TABLE kept_too (id int PRIMARY KEY, v text);

CREATE TABLE left_out (id int PRIMARY KEY, v text);

CREATE TABLE other.table (id int PRIMARY KEY, v text);

CREATE TABLE other.tables (id int PRIMARY KEY, v text);

-- workload

INSERT INTO left_out VALUES (1, 'first commit of the run is of no interest')

INSERT INTO kept VALUES (1, 'a')

BEGIN;
INSERT INTO left_out VALUES (2, 'x');
INSERT INTO kept_too VALUES (1, 'x');
INSERT INTO other.table VALUES (1, 'x');
INSERT INTO other.tables VALUES (1, 'x');
COMMIT

UPDATE kept SET v = 'b'

UPDATE kept SET id = 2

INSERT INTO kept VALUES (3, 'c')

DELETE FROM kept
