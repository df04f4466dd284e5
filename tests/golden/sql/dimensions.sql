-- variants: default schemas avro strings
-- connector: column.mask.with.3.chars=public.hidden_squares.a
-- connector: column.truncate.to.1.chars=public.hidden_squares.b
-- connector: column.mask.hash.v2.SHA-256.with.salt.x=public.hidden_squares.c

CREATE TYPE mood AS ENUM ('sad', 'happy');

CREATE DOMAIN grid AS int4[];

CREATE DOMAIN word AS varchar(10);

CREATE TYPE place AS (x int, y text);

CREATE DOMAIN known_place AS place;

CREATE TABLE bounds (id int PRIMARY KEY, a int[], b text[]);

CREATE TABLE empties (id int PRIMARY KEY, a int[], b text[], c numeric(5,2)[], d timestamptz[], e bytea[]);

CREATE TABLE domain_elements (id int PRIMARY KEY, a word[], g grid);

CREATE TABLE places (id int PRIMARY KEY, p place, k known_place, ps place[], v text);

CREATE TABLE squares (id int PRIMARY KEY, a int[][], v text);

CREATE TABLE words (id int PRIMARY KEY, b text[][], v text);

CREATE TABLE cubes (id int PRIMARY KEY, c float8[][][], v text);

CREATE TABLE square_defaults (id int PRIMARY KEY, a int[] DEFAULT '{{1,2},{3,4}}', b int[] NOT NULL DEFAULT '{{1},{2}}', c text[] DEFAULT ARRAY[['a', 'b'], ['c', 'd']], d numeric(4,1)[] DEFAULT ARRAY[[1.5]], v text);

CREATE TABLE hidden_squares (id int PRIMARY KEY, a int[], b int8[], c date[], v text);

CREATE TABLE full_squares (id int PRIMARY KEY, a numeric[], b boolean[] NOT NULL, c int8[]);

ALTER TABLE full_squares REPLICA IDENTITY FULL;

-- workload

INSERT INTO bounds VALUES (1, '[2:3]={5,6}', '[0:1]={a,NULL}')

INSERT INTO empties VALUES (1, '{}', '{}', '{}', '{}', '{}')

INSERT INTO empties VALUES (2, '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')

UPDATE empties SET a = '{1,NULL,3}', b = '{"", "NULL", NULL, "a,b", "q\"uote", "back\\slash"}'

INSERT INTO domain_elements VALUES (1, '{one,two}', '{1,2}')

INSERT INTO places VALUES (1, '(1,a)', '(2,"b c")', '{"(3,d)","(,)"}', 'v')

UPDATE places SET v = 'w'

INSERT INTO squares VALUES (1, '{{1,2},{3,4}}', 'two rows')

INSERT INTO words VALUES (1, '{{a,b},{c,NULL}}', 'of text')

INSERT INTO square_defaults (id, c) VALUES (1, NULL)

INSERT INTO square_defaults VALUES (2, NULL, '{{3}}', NULL, '{{2.5,NULL}}', 'given')

UPDATE square_defaults SET v = 'changed' WHERE id = 1

DELETE FROM square_defaults WHERE id = 2

INSERT INTO hidden_squares VALUES (1, '{{1,2},{3,4}}', '{{1},{2},{3}}', '{{2024-02-29,2024-03-01}}', 'v'), (2, '{1,2}', '{3}', '{2024-02-29}', 'flat'), (3, NULL, '{}', NULL, 'none')

INSERT INTO full_squares VALUES (1, '{{1.5,NULL},{3,4}}', '{{t,f}}', '[0:0][5:6]={{7,8}}')

UPDATE full_squares SET a = '{{{7}}}'

DELETE FROM full_squares

INSERT INTO cubes VALUES (1, '{{{1,2},{3,4}},{{5,6},{7,8}}}', 'three')
