-- variants: texts text-keys
-- connector: include.unknown.datatypes=true

CREATE EXTENSION hstore;

CREATE TYPE mood AS ENUM ('glad', 'sad, or so');

CREATE TABLE plain (
  id int PRIMARY KEY,
  small smallint,
  big bigint DEFAULT 7,
  yes boolean,
  single real,
  double double precision,
  price numeric(10,4),
  words text DEFAULT 'none',
  code char(5),
  day date,
  at_time time,
  at timestamp,
  at_zone timestamptz,
  mood mood,
  doc jsonb,
  ident uuid,
  raw bytea,
  attrs hstore,
  cash money
);
ALTER TABLE plain REPLICA IDENTITY FULL;

CREATE TABLE lists (
  words text[],
  numbers int[],
  prices numeric(6,2)[],
  flags boolean[],
  singles real[],
  raws bytea[],
  id text PRIMARY KEY
);

CREATE TABLE keyed (
  word text,
  number numeric(8,3),
  day date,
  raw bytea,
  v text,
  PRIMARY KEY (word, number, day, raw)
);

CREATE TABLE keyless (a int, b text);
ALTER TABLE keyless REPLICA IDENTITY FULL;

-- workload

INSERT INTO plain VALUES (1, 2, 3, true, 1.5, 1e100, 12.5, 'a, "b" = {c}', 'x', '2020-02-29', '12:34:56.789', '2020-09-13 12:26:40.123456', '2020-09-13 12:26:40+02', 'sad, or so', '{"a": [1, 2]}', '00000000-0000-0000-0000-000000000001', '\x010203', 'a=>1, b=>NULL', 12.34);

INSERT INTO plain (id, words, big) VALUES (2, NULL, NULL);

INSERT INTO plain (id, single, double, price, words, raw) VALUES (3, 'NaN', '-Infinity', 0.0001, 'é🎉', '');

INSERT INTO plain (id, single, double, price) VALUES (4, 1e10, 123456789.125, -99999.9999);

UPDATE plain SET words = 'changed' WHERE id = 1;

UPDATE plain SET id = 10 WHERE id = 1;

DELETE FROM plain WHERE id = 2;

INSERT INTO lists VALUES ('{a,NULL,"b, c"}', '{1,NULL,3}', '{1.50,NULL,-2}', '{t,f}', '{1.5,NULL}', '{"\\x01",NULL}', 'one');

INSERT INTO lists VALUES ('{}', '{}', NULL, NULL, NULL, NULL, '=,{}');

INSERT INTO lists (id) VALUES ('');

INSERT INTO keyed VALUES ('a "quoted" \ word', 1.5, '2020-01-01', '\xff00', 'v');

UPDATE keyed SET number = 2.25;

INSERT INTO keyless VALUES (1, 'x'), (NULL, NULL);

UPDATE keyless SET b = 'y' WHERE a = 1;

DELETE FROM keyless WHERE a IS NULL;
