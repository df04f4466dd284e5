-- variants: default schemas avro avro-strings strings doubles json-numeric

CREATE TABLE money (id int PRIMARY KEY, v money, n money NOT NULL, d money DEFAULT 1.25);

CREATE TABLE money_key (id money PRIMARY KEY, v text);

CREATE TABLE serials (a smallserial, b serial, c bigserial PRIMARY KEY, v text);

CREATE TABLE booleans (id boolean PRIMARY KEY, v boolean, n boolean NOT NULL);

CREATE TABLE integers (id int8 PRIMARY KEY, a int2, b int4, c int8, d oid, an int2 NOT NULL, bn int4 NOT NULL, cn int8 NOT NULL, dn oid NOT NULL);

CREATE TABLE floats (id int PRIMARY KEY, a real, b double precision, c float(10), an real NOT NULL, bn double precision NOT NULL);

CREATE TABLE numerics (id int PRIMARY KEY, p1 numeric(1), p38 numeric(38,0), p20s19 numeric(20,19), p8s4 decimal(8,4), p100 numeric(100,50), neg numeric(5,-2), small numeric(3,5), free numeric, n numeric(10,2) NOT NULL, nfree numeric NOT NULL);

CREATE TABLE numeric_specials (id int PRIMARY KEY, free numeric, sized numeric(10,2), a real, b double precision);

CREATE TABLE numeric_keys (a numeric(6,2), b numeric, c double precision, v text, PRIMARY KEY (a, b, c));

CREATE TABLE number_arrays (id int PRIMARY KEY, a int2[], b int4[], c int8[], d oid[], e real[], f double precision[], g numeric[], h numeric(10,2)[], i boolean[], j int4[] NOT NULL);

CREATE TABLE money_array (id int PRIMARY KEY, v money[], w text);

CREATE TABLE array_key (id int4[] PRIMARY KEY, v text);

-- workload

INSERT INTO money VALUES (1, 0, 0, 0), (2, 0.01, -0.01, -1), (3, 1234.56, -1234.56, NULL), (4, '92233720368547758.07', '-92233720368547758.08', 1000000), (5, NULL, 100, 0)

INSERT INTO money (id, n) VALUES (6, 1.995)

UPDATE money SET v = '$1,000.50' WHERE id = 5

DELETE FROM money WHERE id = 1

INSERT INTO money_key VALUES (12.34, 'a')

UPDATE money_key SET id = -56789.1

INSERT INTO serials (v) VALUES ('a'), ('b')

DELETE FROM serials WHERE c = 1

INSERT INTO booleans VALUES (true, false, true), (false, NULL, false)

DELETE FROM booleans WHERE id

INSERT INTO integers VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1), (9223372036854775807, 32767, 2147483647, 9223372036854775807, 4294967295, -32768, -2147483648, -9223372036854775808, 2147483648), (-9223372036854775808, NULL, NULL, NULL, NULL, 0, 0, 0, 0)

DELETE FROM integers WHERE id = 1

INSERT INTO floats VALUES (1, 0, 0, 0, '-0', '-0'), (2, 1.5, 1e300, 3.25, 0.1, 0.1), (3, 'NaN', 'Infinity', '-Infinity', 'Infinity', 'NaN'), (4, NULL, NULL, NULL, 3.4028235e38, 1.7976931348623157e308), (5, 1e-45, 5e-324, 1e7, 16777216, 9007199254740993), (6, 123456.789, 0.30000000000000004, 1e23, 2e-3, 1e15)

DELETE FROM floats WHERE id = 2

INSERT INTO numerics VALUES (1, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0), (2, 9, 99999999999999999999999999999999999999, 9.9999999999999999999, 9999.9999, 12345.678, 1234567, 0.00999, 12345.67890, 99999999.99, 1e20), (3, -9, -99999999999999999999999999999999999999, -9.9999999999999999999, -9999.9999, -0.5, NULL, -0.00999, -0.000100, -99999999.99, -1e-20), (4, 1, 1, 1, 1.5, 1, NULL, 0.001, 1.10, 1.1, 1.10)

INSERT INTO numerics (id, n, nfree) VALUES (5, 2.5, 250), (6, 1.28, 0.000), (7, -1.28, 123456789012345678901234567890.123456789)

INSERT INTO numerics (id, free, n, nfree) SELECT 10 + n, 10::numeric ^ (n - 6), n, n FROM generate_series(0, 12) n

DELETE FROM numerics WHERE id = 4

INSERT INTO numeric_specials VALUES (1, 'NaN', 'NaN', 'NaN', 'NaN'), (2, 'Infinity', NULL, 'Infinity', 'Infinity'), (3, '-Infinity', NULL, '-Infinity', '-Infinity'), (4, 1e-30, 0.01, 1e-30, 1e-30), (5, 1e30, 99999999.99, 1e30, 1e30)

INSERT INTO numeric_keys VALUES (1.50, 2.50, 3.5, 'a'), (-1.5, 1e3, 1e-3, 'b')

UPDATE numeric_keys SET b = b + 1

DELETE FROM numeric_keys

INSERT INTO number_arrays VALUES (1, '{1,-2,32767}', '{1,NULL,-2147483648}', '{9223372036854775807,0}', '{0,4294967295}', '{1.5,NaN,-Infinity,NULL}', '{0.1,1e300,-0}', '{1.10,100,-0.001,NULL}', '{1.1,-99999999.99,0}', '{t,f,NULL}', '{7}'), (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{1,2,3}'), (4, '{NULL}', '{NULL,NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')

UPDATE number_arrays SET j = j || 9

DELETE FROM number_arrays

INSERT INTO money_array VALUES (1, '{1.50,-2.25,NULL}', 'money in an array'), (2, NULL, NULL)

INSERT INTO array_key VALUES ('{1,2}', 'a'), ('{}', 'b')

UPDATE array_key SET id = '{3}' WHERE id = '{}'

DELETE FROM array_key
