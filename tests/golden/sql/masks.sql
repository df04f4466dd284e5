-- variants: schemas masks propagate

CREATE EXTENSION citext;

CREATE TYPE mood AS ENUM ('sad', 'ok');

CREATE DOMAIN label AS varchar(10);

CREATE TABLE masked (id int PRIMARY KEY, hash_v1_text text, hash_v1_short varchar(20), hash_v2_text text, hash_v2_short varchar(20), hash_v2_required text NOT NULL, hash_v2_char char(8), hash_v2_enum mood, hash_v2_citext citext, hash_v2_uuid uuid, hash_v2_json jsonb, hash_v2_bytes bytea, hash_v2_int int, hash_v2_domain label, md5_text text, stars_text text, stars_varchar varchar(5), stars_required text NOT NULL, stars_int int, stars_enum mood, stars_array text[], empty_text text, empty_char char(4), cut_text text, cut_short varchar(3), cut_char char(8), cut_int int, cut_emoji text, left_out_text text, left_out_int int);

CREATE TABLE keyed (id int PRIMARY KEY, a int NOT NULL, b text, v text);

CREATE TABLE keyed_full (id int PRIMARY KEY, v text, w text);

ALTER TABLE keyed_full REPLICA IDENTITY FULL;

CREATE TABLE rekeyed (id int PRIMARY KEY, code varchar(5) NOT NULL, v text);

CREATE TABLE typed (id serial PRIMARY KEY, a numeric(10,2), b varchar(30) NOT NULL, c timestamp(3), d int4[], e mood, f label, g "char", h char(5), i bit(7), j numeric, k timestamptz(3) DEFAULT now(), l text DEFAULT 'x', m varchar(7), n uuid, o jsonb, p interval, q money, r citext, s double precision, t boolean, u date, v time, w bytea, x bigint);

COMMENT ON TABLE typed IS 'a table with "comments"';

COMMENT ON COLUMN typed.a IS 'an amount, in €';

COMMENT ON COLUMN typed.b IS E'two\nlines';

COMMENT ON COLUMN typed.id IS 'the key';

CREATE TABLE other_types (id int PRIMARY KEY, a numeric(8,3), b timestamptz, c text);

COMMENT ON COLUMN other_types.c IS 'only a comment';

-- workload

INSERT INTO masked VALUES (1, 'secret', 'secret', 'secret', 'secret', 'secret', 'secret', 'sad', 'secret', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '\x00ff', 42, 'secret', 'secret', 'secret', 'sec', 'secret', 42, 'ok', '{secret}', 'secret', 'sec', 'long secret', 'sec', 'secret', 1234567, '🎉🎉🎉🎉', 'x', 1), (2, '', '', '', '', '', '', NULL, '', NULL, NULL, NULL, NULL, '', '', '', '', '', NULL, NULL, NULL, '', '', '', '', '', NULL, '', '', NULL), (3, NULL, NULL, NULL, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 'größe 漢字 🎉', 'größe', 'größe 漢字 🎉', 'größe', 'ü', 'ü', 'ok', 'ü', NULL, NULL, NULL, NULL, 'ü', 'ü', 'größe', 'größe', 'ü', 1, 'sad', '{}', 'ü', 'ü', 'größe', 'ü', 'größe', NULL, 'ab🎉de🎉', NULL, NULL)

UPDATE masked SET hash_v2_text = 'changed' WHERE id = 1

UPDATE masked SET id = 5 WHERE id = 2

DELETE FROM masked WHERE id = 1

INSERT INTO keyed VALUES (1, 2, 'b', 'v'), (2, 3, NULL, NULL)

UPDATE keyed SET v = 'w' WHERE id = 1

UPDATE keyed SET b = 'c' WHERE id = 1

UPDATE keyed SET id = 9 WHERE id = 1

DELETE FROM keyed

INSERT INTO keyed_full VALUES (1, 'v', 'w')

UPDATE keyed_full SET w = 'x'

UPDATE keyed_full SET v = 'changed key'

UPDATE keyed_full SET id = 2

DELETE FROM keyed_full

INSERT INTO rekeyed VALUES (1, 'a', 'v')

UPDATE rekeyed SET v = 'w'

DELETE FROM rekeyed

INSERT INTO typed (a, b, c, d, e, f, g, h, i, j, m, n, o, p, q, r, s, t, u, v, w, x) VALUES (1.5, 'b', '2024-02-29 12:34:56.789', '{1}', 'ok', 'f', 'g', 'h', '1010101', 1.50, 'm', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{}', '1 day', 1.5, 'R', 1.5, true, '2024-02-29', '01:02:03', '\x00', 1)

INSERT INTO other_types VALUES (1, 1.5, '2024-02-29 12:34:56+00', 'c')

COMMENT ON COLUMN other_types.c IS 'a comment that changed'

ALTER TABLE other_types ADD d numeric(4,1)

INSERT INTO other_types VALUES (2, 1.5, '2024-02-29 12:34:56+00', 'c', 2.5)
