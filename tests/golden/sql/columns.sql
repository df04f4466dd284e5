-- variants: hidden hidden-avro described

CREATE EXTENSION citext;

CREATE EXTENSION hstore;

CREATE TYPE mood AS ENUM ('sad', 'ok');

CREATE TYPE "My Type" AS ENUM ('a');

CREATE TYPE pair AS (a int, b text);

CREATE DOMAIN label AS varchar(10);

CREATE DOMAIN label_of_label AS label;

CREATE DOMAIN amount AS numeric(10,2);

CREATE DOMAIN moment AS timestamp(3);

CREATE DOMAIN flags AS bit(3);

CREATE DOMAIN count AS int;

CREATE TABLE left_out_key (id int PRIMARY KEY DEFAULT 7, a text NOT NULL DEFAULT 'x', b text);

CREATE TABLE left_out_named (id int PRIMARY KEY, code varchar(5) NOT NULL DEFAULT 'c', v text);

ALTER TABLE left_out_named REPLICA IDENTITY FULL;

CREATE TABLE cuts (id int PRIMARY KEY, t text DEFAULT 'a long default', r text NOT NULL DEFAULT 'a required default', emoji text NOT NULL DEFAULT 'abc🎉', u uuid, j jsonb, b bytea, br bytea NOT NULL, z timestamptz, zr timestamptz NOT NULL, d date, n numeric(10,2), nr numeric(10,2) NOT NULL, free numeric, i interval, a text[], ba bytea[], h hstore, f bit(20), m money, x xml, ip inet, e mood, s smallint, big text, big_bytes bytea);

ALTER TABLE cuts ALTER big SET STORAGE EXTERNAL, ALTER big_bytes SET STORAGE EXTERNAL;

CREATE TABLE hashes (id int PRIMARY KEY, t text DEFAULT 'its default', r text NOT NULL DEFAULT 'its default', long text, c "char", n name, d label, e mood DEFAULT 'sad', p varchar(3), md2 text, md5 text, sha text, sha512 text, sha512_256 text, sha3 text, big text, nr name NOT NULL DEFAULT 'its default');

ALTER TABLE hashes ALTER big SET STORAGE EXTERNAL;

CREATE TABLE stars (id int PRIMARY KEY, t text DEFAULT 'its default', r text NOT NULL DEFAULT 'its default', c "char", n name, d label, e mood DEFAULT 'sad', x xml, big text, nr name NOT NULL DEFAULT 'its default');

ALTER TABLE stars ALTER big SET STORAGE EXTERNAL;

CREATE TABLE twice (id int PRIMARY KEY, cut_and_starred text, described_and_hashed text, hashed_and_hashed text);

CREATE TABLE named_wrongly (id int PRIMARY KEY, v text);

CREATE TABLE named_by_pattern (v text, b2 int, b1 int NOT NULL, a text);

ALTER TABLE named_by_pattern REPLICA IDENTITY FULL;

CREATE TABLE described (id int PRIMARY KEY, c1 smallint, c2 oid, c3 real, c4 timetz(1), c5 time(0), c6 timestamp(1), c7 interval second(2), c8 interval day, c9 varbit(5), c10 varbit, c11 bit, c12 name, c13 xml, c14 macaddr, c15 int4range, c16 numeric(5,1), c17 numeric(10,2)[], c18 varchar(5)[], c19 timestamptz(2)[], c20 point, c21 json, c22 hstore, c23 count, c24 label_of_label, c25 amount, c26 moment, c27 flags, c28 label[], c29 mood[], c30 citext[], c31 pg_lsn, c32 tsvector, c33 "char"[], c34 bpchar, c35 "bit", c36 "My Type", c37 pair, c38 interval(3), c39 timetz, c40 date[], c41 inet, c42 box, c43 int4multirange, c44 money[], c45 numeric(3,3), "Größe" varchar, "a.b" varchar(1));

-- workload

INSERT INTO left_out_key VALUES (1, 'a', 'b')

UPDATE left_out_key SET b = 'c'

UPDATE left_out_key SET id = 2

DELETE FROM left_out_key

INSERT INTO left_out_named VALUES (1, 'a', 'v')

UPDATE left_out_named SET v = 'w'

UPDATE left_out_named SET code = 'b'

DELETE FROM left_out_named

INSERT INTO cuts VALUES (1, 'abcdef', 'abcdef', 'abc🎉', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '\x000102030405', '\x000102030405', '2024-02-29 12:34:56.789+00', '2024-02-29 12:34:56.789+00', '2024-02-29', 12345678.91, 12345678.91, 123456.789, '1 day', '{abcdef}', '{"\\x000102030405"}', 'abc=>defgh', B'10101010101010101010', 1234.5, '<abcdef/>', '192.168.0.1', 'sad', 12345, repeat('0123456789', 500), decode(repeat('00010203', 1000), 'hex'))

UPDATE cuts SET s = 2

INSERT INTO cuts (id, t, r, emoji, br, zr, nr) VALUES (2, NULL, '', '🎉🎉', '', 'infinity', 2), (3, '🎉🎉', '漢字漢字漢字', 'a🎉🎉', '\x01', '2024-02-29 12:34:56+00', 1)

UPDATE cuts SET id = 4 WHERE id = 3

DELETE FROM cuts WHERE id = 1

INSERT INTO hashes VALUES (1, 'secret', 'secret', repeat('größe🎉 ', 8000), 's', 'secret', 'secret', 'ok', 'abc', 'secret', 'secret', 'secret', 'secret', 'secret', 'secret', repeat('0123456789', 500))

UPDATE hashes SET p = 'x'

INSERT INTO hashes (id, t, r, e) VALUES (2, NULL, '', NULL)

INSERT INTO hashes (id) VALUES (3)

UPDATE hashes SET id = 4 WHERE id = 2

DELETE FROM hashes WHERE id = 1

INSERT INTO stars VALUES (1, 'secret', 'secret', 's', 'secret', 'secret', 'ok', '<secret/>', repeat('0123456789', 500))

UPDATE stars SET c = 'x'

INSERT INTO stars (id, t, r, e) VALUES (2, NULL, '', NULL)

DELETE FROM stars WHERE id = 1

INSERT INTO twice VALUES (1, 'abcdef', 'secret', 'secret')

INSERT INTO named_wrongly VALUES (1, 'v')

DELETE FROM named_wrongly

INSERT INTO named_by_pattern VALUES ('v', 2, 1, 'a'), (NULL, NULL, 3, NULL)

UPDATE named_by_pattern SET b2 = 7 WHERE b1 = 3

DELETE FROM named_by_pattern

INSERT INTO described (id) VALUES (1)

INSERT INTO described (id, c12, c28, c29, c36, c37) VALUES (2, 'a name', '{abc,defgh}', '{sad}', 'a', '(1,b)'), (3, NULL, '{abc,NULL}', NULL, NULL, NULL)
