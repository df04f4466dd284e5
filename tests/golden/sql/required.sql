-- variants: default schemas avro strings doubles microseconds adaptive-time-microseconds

CREATE EXTENSION citext;

CREATE EXTENSION ltree;

CREATE EXTENSION hstore;

CREATE TYPE colour AS ENUM ('red', 'green');

CREATE DOMAIN required_int AS integer NOT NULL;

CREATE DOMAIN required_text AS varchar(9) NOT NULL;

CREATE TABLE required_numbers (id int PRIMARY KEY, a boolean NOT NULL, b int2 NOT NULL, c int4 NOT NULL, d int8 NOT NULL, e oid NOT NULL, f real NOT NULL, g double precision NOT NULL, h numeric(10,2) NOT NULL, i numeric NOT NULL, j money NOT NULL, k required_int, l numeric(38,0) NOT NULL);

CREATE TABLE required_times (id int PRIMARY KEY, a date NOT NULL, b time NOT NULL, c time(3) NOT NULL, d timestamp NOT NULL, e timestamp(3) NOT NULL, f timestamptz NOT NULL, g timestamptz(0) NOT NULL, h timetz NOT NULL, i interval NOT NULL);

CREATE TABLE required_texts (id int PRIMARY KEY, a text NOT NULL, b varchar(5) NOT NULL, c char(3) NOT NULL, d "char" NOT NULL, e citext NOT NULL, f ltree NOT NULL, g hstore NOT NULL, h json NOT NULL, i jsonb NOT NULL, j xml NOT NULL, k uuid NOT NULL, l colour NOT NULL, m inet NOT NULL, n cidr NOT NULL, o macaddr NOT NULL, p macaddr8 NOT NULL, q int4range NOT NULL, r tstzrange NOT NULL, s tsvector NOT NULL, t required_text);

CREATE TABLE required_bytes (id int PRIMARY KEY, a bytea NOT NULL, b bit NOT NULL, c bit(3) NOT NULL, d varbit NOT NULL, e varbit(5) NOT NULL);

CREATE TABLE required_arrays (id int PRIMARY KEY, a int4[] NOT NULL, b text[] NOT NULL, c numeric(10,2)[] NOT NULL, d timestamptz[] NOT NULL, e uuid[] NOT NULL, f colour[] NOT NULL, g bytea[] NOT NULL, h boolean[] NOT NULL);

CREATE TABLE required_index (id int PRIMARY KEY, code text NOT NULL, v text NOT NULL, w int);

CREATE UNIQUE INDEX required_index_code ON required_index (code);

ALTER TABLE required_index REPLICA IDENTITY USING INDEX required_index_code;

CREATE TABLE required_full (id int PRIMARY KEY, a text NOT NULL, b numeric(10,2), c timestamptz);

ALTER TABLE required_full REPLICA IDENTITY FULL;

CREATE TABLE required_nothing (id int PRIMARY KEY, a text NOT NULL);

ALTER TABLE required_nothing REPLICA IDENTITY NOTHING;

CREATE TABLE keyless (a int NOT NULL, b text);

CREATE TABLE keyless_full (a int NOT NULL, b text);

ALTER TABLE keyless_full REPLICA IDENTITY FULL;

-- workload

INSERT INTO required_numbers VALUES (1, true, 1, 2, 3, 4, 5.5, 6.5, 7.25, 8.125, 9.5, 10, 11)

UPDATE required_numbers SET id = 2

DELETE FROM required_numbers

INSERT INTO required_times VALUES (1, '2024-02-29', '12:34:56.789012', '12:34:56.789', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012+05:30', '2024-02-29 12:34:56+00', '12:34:56.789+05:30', '1 day 02:03:04.5')

UPDATE required_times SET id = 2

DELETE FROM required_times

INSERT INTO required_texts VALUES (1, 'a', 'b', 'c', 'd', 'E', 'f.g', 'a=>1', '{"a": 1}', '{"a": 1}', '<a/>', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'red', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '[1,3)', '[2024-01-01,)', 'a b', 't')

UPDATE required_texts SET id = 2

DELETE FROM required_texts

INSERT INTO required_bytes VALUES (1, '\x00ff', '1', '101', '1010', '10101')

UPDATE required_bytes SET id = 2

DELETE FROM required_bytes

INSERT INTO required_arrays VALUES (1, '{1}', '{a}', '{1.5}', '{2024-02-29 12:34:56.789012+00}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{red,green}', ARRAY['\x00ff']::bytea[], '{t}')

UPDATE required_arrays SET id = 2

DELETE FROM required_arrays

INSERT INTO required_index VALUES (1, 'a', 'v', 1)

UPDATE required_index SET v = 'w'

UPDATE required_index SET code = 'b'

DELETE FROM required_index

INSERT INTO required_full VALUES (1, 'a', 1.5, '2024-02-29 12:34:56+00'), (2, 'b', NULL, NULL)

UPDATE required_full SET b = 2.5

UPDATE required_full SET id = id + 10

DELETE FROM required_full

INSERT INTO required_nothing VALUES (1, 'a')

UPDATE required_nothing SET a = 'refused'

INSERT INTO keyless VALUES (1, 'a')

INSERT INTO keyless_full VALUES (1, 'a')

UPDATE keyless_full SET b = 'b'

DELETE FROM keyless_full

BEGIN;
INSERT INTO required_index VALUES (3, 'c', 'v', NULL);
TRUNCATE required_full, required_bytes;
INSERT INTO required_full VALUES (3, 'c', NULL, NULL);
COMMIT
