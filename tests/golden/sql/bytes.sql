-- variants: default schemas avro strings doubles microseconds nanoseconds

CREATE TABLE byte_strings (id int PRIMARY KEY, v bytea, n bytea NOT NULL);

CREATE TABLE bits (id int PRIMARY KEY, b1 bit, b2 bit(2), b7 bit(7), b8 bit(8), b9 bit(9), b16 bit(16), b31 bit(31), b32 bit(32), b33 bit(33), b63 bit(63), b64 bit(64), b65 bit(65), b1n bit NOT NULL, b5n bit(5) NOT NULL);

CREATE TABLE varying_bits (id int PRIMARY KEY, v varbit, v1 varbit(1), v5 varbit(5), v8 varbit(8), v64 varbit(64), n varbit NOT NULL, n1 varbit(1) NOT NULL, n8 varbit(8) NOT NULL);

CREATE TABLE byte_arrays (id int PRIMARY KEY, b bytea[], n bytea[] NOT NULL);

CREATE TABLE bit_arrays (id int PRIMARY KEY, b1 bit[], b bit(3)[], vb varbit[], v text);

CREATE TABLE byte_keys (id bytea, b bit(3), c bit, d varbit, v text, PRIMARY KEY (id, b, c, d));

CREATE TABLE big_bytes (id int PRIMARY KEY, v text, big bytea, big_array bytea[]);

ALTER TABLE big_bytes ALTER big SET STORAGE EXTERNAL, ALTER big_array SET STORAGE EXTERNAL, SET (toast_tuple_target = 128);

CREATE TABLE byte_defaults (id int PRIMARY KEY, a bytea DEFAULT '\x00ff', an bytea NOT NULL DEFAULT '\x00ff', b bit DEFAULT '1', bn bit NOT NULL DEFAULT B'1', c bit(3) DEFAULT '101', cn bit(3) NOT NULL DEFAULT B'101', d varbit DEFAULT '1010', dn varbit NOT NULL DEFAULT B'1010', e varbit(12) DEFAULT '100000001');

-- workload

INSERT INTO byte_strings VALUES (1, '', ''), (2, '\x00', '\x00ff'), (3, '\xfbff', '\xfbff3e'), (4, '\xfbefbe', 'text'), (5, NULL, '\xdeadbeef'), (6, decode(repeat('00ff7f80', 40), 'hex'), '\x0a0d2200')

UPDATE byte_strings SET v = '\x01' WHERE id = 5

DELETE FROM byte_strings WHERE id = 2

INSERT INTO bits SELECT row_number() OVER (), v::bit(1), v::bit(2), v::bit(7), v::bit(8), v::bit(9), v::bit(16), v::bit(31), v::bit(32), v::bit(33), v::bit(63), v::bit(64), v::bit(65), v::bit(1), v::bit(5) FROM unnest(ARRAY[repeat('0', 65), repeat('1', 65), '1' || repeat('0', 64), repeat('0', 64) || '1', repeat('10', 32) || '1', repeat('01', 32) || '0', '00000001' || repeat('0', 57), '0110' || repeat('0', 20)]::varbit[]) v

INSERT INTO bits (id, b1n, b5n) VALUES (100, '0', '00010')

DELETE FROM bits WHERE id = 2

INSERT INTO varying_bits VALUES (1, '', '', '', '', '', '', '1', ''), (2, '0', '0', '0', '0', '0', '0', '0', '0'), (3, '1', '1', '1', '1', '1', '1', '1', '1'), (4, '0000000010000000', '1', '00100', '00000001', '101010101010101010101010101010101010101010101010101010101010', '1100110011', '0', '1010'), (5, repeat('1', 70)::varbit, NULL, '11111', '11111111', repeat('01', 32)::varbit, '01', '1', '0000'), (6, NULL, NULL, NULL, NULL, NULL, '1', '1', '1')

DELETE FROM varying_bits WHERE id = 4

INSERT INTO byte_arrays VALUES (1, ARRAY['\x00ff', '', NULL, '\xfbff']::bytea[], ARRAY['\x01']::bytea[]), (2, '{}', '{}'), (3, NULL, '{NULL}')

DELETE FROM byte_arrays

INSERT INTO bit_arrays VALUES (1, '{1,0,NULL}', '{101,010}', '{1,"",0101}', 'bits in arrays'), (2, NULL, NULL, NULL, NULL)

INSERT INTO byte_keys VALUES ('\x00ff', '101', '1', '0110', 'a')

UPDATE byte_keys SET b = '111'

DELETE FROM byte_keys

INSERT INTO big_bytes VALUES (1, 'a', decode(repeat('ab', 1100), 'hex'), ARRAY[decode(repeat('cd', 1100), 'hex')])

UPDATE big_bytes SET v = 'unchanged bytes'

UPDATE big_bytes SET id = 2

ALTER TABLE big_bytes REPLICA IDENTITY FULL

UPDATE big_bytes SET v = 'unchanged bytes that the old row holds'

INSERT INTO byte_defaults (id) VALUES (1)

INSERT INTO byte_defaults VALUES (2, NULL, '\x', NULL, '0', NULL, '000', NULL, '', NULL)

DELETE FROM byte_defaults WHERE id = 1

SELECT pg_logical_emit_message(true, 'in a transaction', '\xfbff00'::bytea)

SELECT pg_logical_emit_message(false, 'by itself', 'text of a message')

INSERT INTO byte_strings VALUES (9, '\x09', '\x09')
