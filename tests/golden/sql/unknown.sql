-- variants: default schemas avro strings doubles nanoseconds

CREATE TYPE address AS (street text, number int, since date);

CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE DOMAIN search AS tsquery;

CREATE TABLE unknown_scalars (id int PRIMARY KEY, a tsquery, b pg_lsn, c txid_snapshot, d pg_snapshot, e jsonpath, f xid, g xid8, h cid, i tid, j regclass, k regproc, l regtype, m regnamespace, n int2vector, o oidvector, p aclitem, q address, r float_range, s search, t name, v text);

CREATE TABLE unknown_required (id int PRIMARY KEY, a tsquery NOT NULL, b pg_lsn NOT NULL, c address NOT NULL, d xid NOT NULL, v text);

CREATE TABLE multiranges (id int PRIMARY KEY, a int4multirange, b int8multirange, c nummultirange, d tsmultirange, e tstzmultirange, f datemultirange, v text);

CREATE TABLE unknown_arrays (id int PRIMARY KEY, a money[], b name[], c interval[], d varbit[], e xml[], f point[], g refcursor[], h tsvector[], i address[], j pg_lsn[], k int4multirange[], l tsquery[], m xid[], n bit(2)[], o float_range[], v text);

CREATE TABLE cursors (id int PRIMARY KEY, a refcursor, v text);

CREATE TABLE unknown_key (id pg_lsn PRIMARY KEY, v text);

CREATE TABLE names (id int PRIMARY KEY, a name, v text);

-- workload

INSERT INTO unknown_scalars VALUES (1, 'fat & (rat | !cat)', '16/B374D848', '10:20:10,14,15', '10:20:10,14,15', '$.a[*] ? (@ > 1)', '42', '42', '7', '(1,2)', 'pg_class', 'lower(text)'::regprocedure::oid::regproc, 'int4', 'pg_catalog', '1 2 3', '4 5 6', 'postgres=r/postgres', ROW('Main "St", 1', 7, '2024-02-29'), '[1.5,2.5)', 'domain', 'a name', 'known'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

UPDATE unknown_scalars SET v = 'changed'

DELETE FROM unknown_scalars

INSERT INTO unknown_required VALUES (1, 'a', '0/1', ROW('x', NULL, NULL), '1', 'v')

UPDATE unknown_required SET v = 'w', id = 2

DELETE FROM unknown_required

INSERT INTO multiranges VALUES (1, '{[1,3),[5,8)}', '{[1,3)}', '{(1.5,2.5]}', '{["2024-01-01 00:00","2024-01-02 00:00")}', '{["2024-01-01 00:00+00",)}', '{[2024-01-01,2024-02-01)}', 'v'), (2, '{}', '{}', '{}', '{}', '{}', '{}', 'empty'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

INSERT INTO unknown_arrays VALUES (1, '{1.5}', '{a,"b c"}', '{1 day}', '{101}', '{<a/>}', '{"(1,2)"}', '{c}', '{"''a'':1"}', ARRAY[ROW('s', 1, NULL)]::address[], '{0/1}', ARRAY['{[1,2)}'::int4multirange], '{a}', '{1}', '{10}', '{"[1,2)"}', 'v'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

INSERT INTO cursors VALUES (1, 'a cursor', 'v'), (2, NULL, NULL)

INSERT INTO unknown_key VALUES ('0/10', 'a')

UPDATE unknown_key SET v = 'b'

DELETE FROM unknown_key

INSERT INTO names VALUES (1, 'x', 'v'), (2, NULL, NULL)
