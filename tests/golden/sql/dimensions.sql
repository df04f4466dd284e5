-- variants: default schemas avro strings

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

INSERT INTO cubes VALUES (1, '{{{1,2},{3,4}},{{5,6},{7,8}}}', 'three')
