-- variants: avro-bare

CREATE EXTENSION hstore;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');

CREATE TABLE plain (id int PRIMARY KEY, small smallint, flag boolean, r real, d double precision, t text, u uuid, j jsonb, b bytea);

CREATE TABLE defaults (id bigint PRIMARY KEY, required int NOT NULL DEFAULT 7, optional int DEFAULT 8, small smallint DEFAULT 9, word text DEFAULT 'none', price numeric(8,2) DEFAULT 1.50, m mood DEFAULT 'ok', since date DEFAULT '2020-01-01', at timestamptz DEFAULT '2020-01-01 00:00:00+00', yes boolean NOT NULL DEFAULT true);

CREATE TABLE named (id numeric(10,0) PRIMARY KEY, amount numeric(30,10), loose numeric, m mood NOT NULL, day date, tod time(3), stamp timestamp(3), zoned timestamptz, span interval, bits bit(3), bit1 bit(1), g point, moods mood[], days date[], amounts numeric(8,2)[], pairs hstore);

CREATE TABLE wide_key (a int2, b mood, c numeric(4,1), d date, PRIMARY KEY (a, b, c, d));

CREATE TABLE keyless (word text, n int DEFAULT 5);

ALTER TABLE keyless REPLICA IDENTITY FULL;

-- workload

INSERT INTO plain VALUES (1, -2, true, 1.5, 2.25, 'one', '9b0f2a5e-6f0e-4b0a-9d3f-0c6f4f6d7a11', '{"a": 1}', '\x00ff'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

UPDATE plain SET t = 'uno' WHERE id = 1

DELETE FROM plain WHERE id = 1

INSERT INTO defaults (id) VALUES (1)

INSERT INTO defaults VALUES (2, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false), (3, 2, 3, 4, 'five', 6.70, 'sad', '2021-02-03', '2021-02-03 04:05:06+00', true)

UPDATE defaults SET optional = NULL, price = NULL WHERE id = 3

INSERT INTO named VALUES (1, 123.4567890123, 1.00, 'ok', '2020-02-29', '12:34:56.789', '2020-02-29 12:34:56.789', '2020-02-29 12:34:56.789+02', '1 day 02:03:04', B'101', B'1', '(1,2)', '{sad,NULL,happy}', '{2020-02-29}', '{1.50,-2.00}', 'a=>1, b=>NULL'), (2, NULL, NULL, 'sad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

DELETE FROM named

INSERT INTO wide_key VALUES (1, 'ok', 2.5, '2020-01-01')

UPDATE wide_key SET b = 'happy'

INSERT INTO keyless VALUES ('a', NULL), ('b', 1)

DELETE FROM keyless WHERE word = 'a'

ALTER TABLE keyless ADD COLUMN more mood DEFAULT 'happy'

INSERT INTO keyless VALUES ('c', 2, NULL)
