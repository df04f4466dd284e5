-- variants: default

CREATE EXTENSION citext;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'hap''py, "so"', 'größe');

CREATE DOMAIN positive AS integer CHECK (value > 0);

CREATE DOMAIN short_text AS varchar(10) NOT NULL;

CREATE DOMAIN money2 AS numeric(10,2);

CREATE DOMAIN price AS money2;

CREATE DOMAIN with_default AS text DEFAULT 'from the domain';

CREATE TABLE t_bool (id int PRIMARY KEY, v boolean, n boolean NOT NULL);

CREATE TABLE t_int (id int PRIMARY KEY, a int2, b int4, c int8, d oid);

CREATE TABLE t_float (id int PRIMARY KEY, f4 real, f8 double precision);

CREATE TABLE t_numeric (id int PRIMARY KEY, p10s2 numeric(10,2), p5s0 numeric(5), p50s10 numeric(50,10), p38 numeric(38), neg numeric(5,-2), small numeric(3,5), free numeric);

CREATE TABLE t_text (id int PRIMARY KEY, t text, v varchar(40), c char(8), b1 "char", n name, ci citext, vfree varchar, cfree bpchar);

CREATE TABLE t_uuid (id uuid PRIMARY KEY, v uuid);

CREATE TABLE t_json (id int PRIMARY KEY, j json, jb jsonb, x xml);

CREATE TABLE t_bytea (id int PRIMARY KEY, v bytea);

CREATE TABLE t_bytea_key (id bytea PRIMARY KEY, v bytea);

CREATE TABLE t_date (id int PRIMARY KEY, v date);

CREATE TABLE t_time (id int PRIMARY KEY, t time, t0 time(0), t1 time(1), t2 time(2), t3 time(3), t4 time(4), t5 time(5), t6 time(6));

CREATE TABLE t_timestamp (id int PRIMARY KEY, t timestamp, t0 timestamp(0), t1 timestamp(1), t2 timestamp(2), t3 timestamp(3), t4 timestamp(4), t5 timestamp(5), t6 timestamp(6));

CREATE TABLE t_timestamptz (id int PRIMARY KEY, t timestamptz, t0 timestamptz(0), t1 timestamptz(1), t2 timestamptz(2), t3 timestamptz(3), t4 timestamptz(4), t5 timestamptz(5), t6 timestamptz(6));

CREATE TABLE t_enum (id mood PRIMARY KEY, v mood);

CREATE TABLE t_domain (id positive PRIMARY KEY, s short_text, m money2, p price, w with_default);

CREATE TABLE t_key_types (a boolean, b int2, c int8, d numeric(10,2), e numeric, f text, g uuid, h date, i timestamp, j timestamptz, k time, l bytea, m real, n double precision, o mood, p jsonb, q char(4), r oid, s timestamp(3), t time(3), PRIMARY KEY (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t));

CREATE TABLE t_unsupported (id int PRIMARY KEY, a text, p tsquery, b text, r pg_lsn, c int, mr int4multirange, d int);

CREATE TABLE t_only_unsupported (p tsquery, q pg_lsn);

CREATE TABLE t_generated (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, b text);

-- workload

INSERT INTO t_bool VALUES (1, true, false), (2, false, true), (3, NULL, true)

INSERT INTO t_int VALUES (0, 0, 0, 0, 0), (1, 32767, 2147483647, 9223372036854775807, 4294967295), (-1, -32768, -2147483648, -9223372036854775808, 2147483648), (2, NULL, NULL, NULL, NULL), (-2147483648, 1, -1, 10, 100)

INSERT INTO t_float SELECT row_number() OVER (), a::real, b::double precision FROM (VALUES
 ('0','0'), ('-0','-0'), ('1','1'), ('-1','-1'), ('0.1','0.1'), ('0.5','0.5'), ('0.3','0.30000000000000004'), ('1e10','1e10'), ('1e-5','1e-5'), ('1e22','1e22'), ('1e23','1e23'), ('1e7','1e7'), ('9999999','9999999'), ('9999999','9999999.999999998'), ('1.0000001e7','10000000.000000002'), ('12345678','12345678.9'), ('0.001','0.001'), ('0.00099999','0.0009999999999999998'), ('0.0001','0.0001'),
 ('NaN','NaN'), ('Infinity','Infinity'), ('-Infinity','-Infinity'), ('3.4028235e38','1.7976931348623157e308'), ('-3.4028235e38','-1.7976931348623157e308'), ('1.17549435e-38','2.2250738585072014e-308'), ('1e-45','4.9e-324'), ('1.4e-45','1e-323'), ('3e-45','2e-323'),
 ('3.4e38','3.4e38'), ('16777216','9007199254740992'), ('16777218','9007199254740994'), ('33554432','9007199254740993'), ('123456.7','123456.7'), ('123456.789','123456.789'), ('1.5','1.5'), ('100','100'), ('1000000','1000000'), ('1234567','1234567'), ('8388608','8388608'), ('8.5e6','8500000.5'), ('3.14159274','3.141592653589793'), ('2.71828','2.718281828459045'),
 ('1e15','1e15'), ('1e16','1e16'), ('1e17','1e17'), ('1e18','1e18'), ('1.2e18','123456789012345678'), ('1e19','1e19'), ('1e20','1e20'), ('1e21','1e21'), ('2e23','2e23'), ('2e-3','2e-3'), ('4.35','4.35'), ('4.349','4.349999999999999'), ('0.1e-9','1.0e-10'), ('9.9e-4','9.9e-4'), ('1.1e7','1.1e7'), ('5e-324'::text, '5e-324') , ('2.2250738585072012e-38','2.2250738585072012e-308'), ('6.02e23','6.02214076e23'), ('1.6e-19','1.602176634e-19'), ('0.33333334','0.3333333333333333'), ('0.6666667','0.6666666666666666'), ('4194304.5','4503599627370497.5'), ('2097152.2','2251799813685248.2'), ('1048576.1','1e-7'), ('9.5367432e-7','9.5367431640625e-7')
 ) AS x (a, b) WHERE a <> '5e-324'

INSERT INTO t_float VALUES (1000, NULL, NULL), (1001, 1e-45::real, 5e-324), (1002, 2.0e-3, 2.0e-3), (1003, 9.999999e6, 9.999999999999998e6), (1004, 9.9999997e-4, 9.999999999999999e-4)

INSERT INTO t_numeric (id, p10s2, p5s0, p50s10, p38, neg, small, free) VALUES
 (1, 0, 0, 0, 0, 0, 0, 0), (2, 1, 1, 1, 1, 100, 0.001, 1), (3, -1, -1, -1, -1, -100, -0.001, -1), (4, 12.3, 12345, 12.3, 12, 12345, 0.00999, 12.3), (5, 12.345, 99999, 12.345, 12, 1234567, 0.00001, 12.345),
 (6, 99999999.99, -99999, 1234567890123456789012345678901234567890.0123456789, 99999999999999999999999999999999999999, 9999900, -0.00999, 99999999999999999999999999999999999999999.99999),
 (7, -99999999.99, -99999, -1234567890123456789012345678901234567890.0123456789, -99999999999999999999999999999999999999, NULL, 0.00123, -99999999999999999999999999999999999999999.99999),
 (8, 1.27, 127, 127, 127, NULL, NULL, 127), (9, 1.28, 128, 128, 128, NULL, NULL, 128), (10, -1.28, -128, -128, -128, NULL, NULL, -128), (11, -1.29, -129, -129, -129, NULL, NULL, -129), (12, 2.55, 255, 255, 255, NULL, NULL, 255), (13, 2.56, 256, 256, 256, NULL, NULL, 256), (14, 327.67, 32767, 32767, 32767, NULL, NULL, 32767), (15, 327.68, 32768, 32768, 32768, NULL, NULL, 32768), (16, -327.68, -32768, -32768, -32768, NULL, NULL, -32768),
 (17, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (18, 0.10, NULL, 0.0000000001, 9223372036854775807, NULL, NULL, 1.500), (19, 0.01, NULL, -0.0000000001, 9223372036854775808, NULL, NULL, 100), (20, 0, 0, 0, -9223372036854775808, NULL, 0, 0.000), (21, 0, 0, 0, -9223372036854775809, NULL, 0, 1e10), (22, 0, 0, 0, 170141183460469231731687303715884105727/10, NULL, 0, 1e-10), (23, 0, 0, 0, 0, NULL, 0, 0.0001), (24, 0, 0, 0, 0, NULL, 0, -0.0001), (25, 0, 0, 0, 0, NULL, 0, 10.00), (26, 0, 0, 0, 0, NULL, 0, 1e40), (27, 0, 0, 0, 0, NULL, 0, 1.5e-40), (28, 0, 0, 0, 0, NULL, 0, 18446744073709551615), (29, 0, 0, 0, 0, NULL, 0, 18446744073709551616), (30, 0, 0, 0, 0, NULL, 0, 340282366920938463463374607431768211455), (31, 0, 0, 0, 0, NULL, 0, 340282366920938463463374607431768211456), (32, 0, 0, 0, 0, NULL, 0, -170141183460469231731687303715884105728), (33, 0, 0, 0, 0, NULL, 0, -170141183460469231731687303715884105729), (34, 0, 0, 0, 0, NULL, 0, 3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679)

INSERT INTO t_numeric (id, free) SELECT 100 + n, (10::numeric ^ n) FROM generate_series(0, 40) n

INSERT INTO t_numeric (id, free) SELECT 200 + n, repeat('9', n)::numeric FROM generate_series(1, 42) n

INSERT INTO t_numeric (id, free) SELECT 300 + n, -(256::numeric ^ n)/2 FROM generate_series(1, 20) n

INSERT INTO t_numeric (id, p10s2) VALUES (400, 'NaN')

INSERT INTO t_numeric (id, free) VALUES (401, 'NaN')

INSERT INTO t_numeric (id, free) VALUES (402, 'Infinity'), (403, '-Infinity')

INSERT INTO t_numeric (id, free) VALUES (404, repeat('7', 700)::numeric), (405, ('0.' || repeat('0', 500) || '1')::numeric)

INSERT INTO t_text VALUES (1, 'plain', 'plain', 'plain', 'p', 'plain', 'Plain', 'plain', 'plain')

INSERT INTO t_text VALUES (2, '', '', '', '', '', '', '', '')

INSERT INTO t_text VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

INSERT INTO t_text VALUES (4, 'quote " back \ slash / apos '' amp & lt < gt > eq =', 'tab	x', E'a\nb', '"', E'\\', E'\r\n', E'\x7f', 'x  ')

INSERT INTO t_text (id, t) SELECT 1000 + n, 'a' || chr(n) || 'b' FROM generate_series(1, 160) n

INSERT INTO t_text (id, t, v) SELECT 2000 + n, 'a' || chr(n) || 'b', chr(n) || chr(n) FROM unnest(ARRAY[127, 128, 159, 160, 173, 847, 1564, 8203, 8206, 8232, 8233, 8234, 8288, 55295, 57344, 63743, 65279, 65520, 65528, 65529, 65531, 65532, 65533, 65534, 65535, 65536, 119070, 127881, 128512, 917505, 1114109, 1114111]) n

INSERT INTO t_text VALUES (5, '👩‍👩‍👧‍👦 ñ é Ω 漢字 עברית', 'emoji 🎉🎊', '🎉', 'ü', 'größe', 'GRÖßE', E'\u2028\u2029', E'\x01\x08\x0c\x0b\x1f')

INSERT INTO t_text (id, t) VALUES (6, repeat('0123456789', 30)), (7, repeat('é"', 300))

INSERT INTO t_uuid VALUES ('00000000-0000-0000-0000-000000000000', NULL), ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'ffffffff-ffff-ffff-ffff-ffffffffffff')

INSERT INTO t_json VALUES (1, '{"a" : 1,  "b": [true,null, 1.50]}', '{"b": 2, "a": 1.50, "a": {"x": "\u00e9\n"}}', '<a b="c">text &amp; more</a>'), (2, 'null', 'null', ''), (3, '"str"', '"str"', 'just text'), (4, '123', '1e5', '<?xml version="1.0"?><r/>'), (5, NULL, NULL, NULL), (6, E' [ 1 ,\n 2 ] ', '[1, 2]', E'<a>\n</a>'), (7, '{"u": "\u0041\ud83d\ude00"}', '{"u": "\u0041\ud83d\ude00"}', NULL), (8, '{}', '{}', NULL)

INSERT INTO t_bytea VALUES (1, ''), (2, '\x00'), (3, '\x00ff'), (4, '\x00ff10'), (5, '\xdeadbeef'), (6, NULL), (7, decode(repeat('00ff7f80', 200), 'hex')), (8, 'text')

INSERT INTO t_bytea (id, v) SELECT 100 + n, decode(repeat('fb', n), 'hex') FROM generate_series(0, 12) n

INSERT INTO t_bytea_key VALUES ('\x00ff', '\x'), ('\x', NULL)

INSERT INTO t_date VALUES (1, '1970-01-01'), (2, '1969-12-31'), (3, '2024-02-29'), (4, '2000-01-01'), (5, '9999-12-31'), (6, '10000-01-01'), (7, '0001-01-01'), (8, '0001-12-31 BC'), (9, '0044-03-15 BC'), (10, '4713-11-24 BC'), (11, '5874897-12-31'), (12, 'infinity'), (13, '-infinity'), (14, NULL), (15, '1582-10-04'), (16, '1582-10-15'), (17, '1582-10-10'), (18, '0999-01-01'), (19, '0004-02-29'), (20, '0001-02-28 BC'), (21, '12345-06-07'), (22, '123456-06-07'), (23, '0001-02-29 BC'), (24, '0005-02-29 BC'), (25, '0100-01-01 BC'), (26, '1000000-01-01')

INSERT INTO t_time SELECT row_number() OVER (), t::time, t::time, t::time, t::time, t::time, t::time, t::time, t::time FROM unnest(ARRAY['00:00:00', '00:00:00.000001', '12:34:56', '12:34:56.789012', '23:59:59', '23:59:59.999999', '24:00:00', '01:02:03.5', '01:02:03.004', '01:02:03.0004', '01:02:03.000049', '08:30']) t

INSERT INTO t_time (id) VALUES (100)

INSERT INTO t_timestamp SELECT row_number() OVER (), t::timestamp, t::timestamp, t::timestamp, t::timestamp, t::timestamp, t::timestamp, t::timestamp, t::timestamp FROM unnest(ARRAY['1970-01-01 00:00:00', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.5', '1969-12-31 23:59:59.0001', '2024-02-29 12:34:56.789012', '2000-01-01 00:00:00', '2038-01-19 03:14:08', '9999-12-31 23:59:59.999999', '10000-01-01 00:00:00', '12345-06-07 08:09:10.111213', '100000-01-01 00:00:00', '0001-01-01 00:00:00', '0001-12-31 23:59:59 BC', '0044-03-15 12:00:00.25 BC', '4713-11-24 00:00:00 BC', 'infinity', '-infinity', '1582-10-04 12:00', '1582-10-10 12:00', '1883-11-18 12:00:00', '2262-04-11 23:47:16.854775', '2262-04-12 00:00:00', '1677-09-21 00:12:43', '0999-01-01', '294246-12-31 23:59:59.999999', '294247-01-10 04:00:54.775807', '2024-03-10 02:30:00', '0001-02-29 00:00:00 BC']) t

INSERT INTO t_timestamp (id) VALUES (100)

INSERT INTO t_timestamp (id, t) VALUES (101, '294276-12-31 23:59:59.999999')

INSERT INTO t_timestamp (id, t3) VALUES (102, '294276-12-31 23:59:59.999')

SET TIME ZONE 'UTC'

INSERT INTO t_timestamptz SELECT row_number() OVER (), t::timestamptz, t::timestamptz, t::timestamptz, t::timestamptz, t::timestamptz, t::timestamptz, t::timestamptz, t::timestamptz FROM unnest(ARRAY['1970-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '2024-02-29 12:34:56.789012+05:30', '2024-02-29 12:34:56.7-08', '2024-02-29 12:34:56.78', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.7890', '2024-02-29 12:34:56.78901', '2024-02-29 12:34:00', '2024-02-29 00:00:00', '9999-12-31 23:59:59.999999+00', '9999-12-31 23:59:59.9+00', '10000-01-01 00:00:00+00', '12345-06-07 08:09:10.111213', '100000-01-01 00:00:00', '0001-01-01 00:00:00+00', '0001-12-31 23:59:59 BC', '0044-03-15 12:00:00.25 BC', '4713-11-24 00:00:00 BC', 'infinity', '-infinity', '1582-10-10 12:00+00', '1883-11-18 12:00:00 America/New_York', '1890-01-01 12:00:00 Europe/Amsterdam', '0999-01-01 00:00:00', '294276-12-31 23:59:59.9', '0100-01-01 00:00:00 BC', '0999-01-01 00:00:00 BC', '0001-02-29 00:00:00 BC']) t

INSERT INTO t_timestamptz (id) VALUES (100)

INSERT INTO t_enum VALUES ('sad', 'ok'), ('ok', NULL), ('hap''py, "so"', 'größe')

INSERT INTO t_domain VALUES (1, 'short', 1.5, 2.5, 'given'), (2, '', NULL, NULL, NULL)

UPDATE t_domain SET id = 3 WHERE id = 1

DELETE FROM t_domain

INSERT INTO t_key_types VALUES (true, 1, 2, 3.5, 4.50, 'five', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-29', '2024-02-29 01:02:03.456', '2024-02-29 01:02:03.456+00', '01:02:03', '\xff00', 1.5, 2.5, 'ok', '{"a": 1}', 'ab', 42, '2024-02-29 01:02:03.456', '01:02:03.456')

UPDATE t_key_types SET a = false, n = 1e7

DELETE FROM t_key_types

INSERT INTO t_unsupported VALUES (1, 'a', 'x & y', 'b', '0/10', 7, '{[1,3)}', 8), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

UPDATE t_unsupported SET d = 9, id = 3 WHERE id = 1

DELETE FROM t_unsupported

INSERT INTO t_only_unsupported VALUES ('a', '0/1')

INSERT INTO t_generated (id, a, b) VALUES (1, 21, 'x'), (2, NULL, NULL)

UPDATE t_generated SET a = 5

DELETE FROM t_generated
