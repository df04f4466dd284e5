-- variants: default schemas avro avro-strings strings doubles microseconds nanoseconds adaptive-time-microseconds

CREATE TABLE dates (id int PRIMARY KEY, v date, n date NOT NULL);

CREATE TABLE times (id int PRIMARY KEY, t time, t0 time(0), t1 time(1), t3 time(3), t4 time(4), t6 time(6), n time NOT NULL, n3 time(3) NOT NULL);

CREATE TABLE times_with_zone (id int PRIMARY KEY, t timetz, t0 timetz(0), t3 timetz(3), n timetz NOT NULL);

CREATE TABLE stamps (id int PRIMARY KEY, t timestamp, t0 timestamp(0), t2 timestamp(2), t3 timestamp(3), t4 timestamp(4), t6 timestamp(6), n timestamp NOT NULL, n3 timestamp(3) NOT NULL);

ALTER TABLE stamps REPLICA IDENTITY FULL;

CREATE TABLE far_stamps (id int PRIMARY KEY, t timestamp, t3 timestamp(3));

CREATE TABLE stamps_with_zone (id int PRIMARY KEY, t timestamptz, t0 timestamptz(0), t3 timestamptz(3), t5 timestamptz(5), n timestamptz NOT NULL);

CREATE TABLE intervals (id int PRIMARY KEY, i interval, ym interval year to month, ds interval day to second(3), h interval hour, n interval NOT NULL);

CREATE TABLE temporal_arrays (id int PRIMARY KEY, d date[], t time[], t3 time(3)[], tz timetz[], s timestamp[], s3 timestamp(3)[], sz timestamptz[], sz0 timestamptz(0)[], n date[] NOT NULL);

CREATE TABLE interval_array (id int PRIMARY KEY, i interval[], v text);

CREATE TABLE temporal_keys (d date, t time, t3 time(3), tz timetz, s timestamp, s3 timestamp(3), sz timestamptz, v text, PRIMARY KEY (d, t, t3, tz, s, s3, sz));

CREATE TABLE interval_key (i interval PRIMARY KEY, v text);

-- workload

INSERT INTO dates VALUES (1, '1970-01-01', '2024-02-29'), (2, '1969-12-31', '0001-01-01'), (3, '9999-12-31', '10000-01-01'), (4, '0044-03-15 BC', '4713-11-24 BC'), (5, '5874897-12-31', '123456-07-08'), (6, NULL, '1582-10-10')

INSERT INTO dates VALUES (7, 'infinity', '2000-01-01'), (8, '-infinity', '2000-01-01'), (9, '2000-01-01', 'infinity'), (10, '2000-01-01', '-infinity')

DELETE FROM dates WHERE id = 1

INSERT INTO times SELECT row_number() OVER (), t, t, t, t, t, t, t, t FROM unnest(ARRAY['00:00:00', '00:00:00.000001', '12:34:56', '12:34:56.789012', '23:59:59.999999', '24:00:00', '01:02:03.5', '01:02:03.004', '08:30']::time[]) t

INSERT INTO times (id, n, n3) VALUES (100, '00:00', '00:00')

DELETE FROM times WHERE id = 3

INSERT INTO times_with_zone SELECT row_number() OVER (), t, t, t, t FROM unnest(ARRAY['00:00:00+00', '12:34:56.789012+05:30', '12:34:56.789012-03:30', '23:59:59.999999+15:59', '23:59:59.999999-15:59', '24:00:00+00', '24:00:00-03', '24:00:00+02', '04:05:06-08', '04:05+01', '01:02:03.100+00']::timetz[]) t

INSERT INTO times_with_zone (id, n) VALUES (100, '11:51:30.123+01')

DELETE FROM times_with_zone WHERE id = 2

INSERT INTO stamps SELECT row_number() OVER (), t, t, t, t, t, t, t, t FROM unnest(ARRAY['1970-01-01 00:00:00', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.5', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.7', '2024-02-29 12:34:00', '2038-01-19 03:14:08', '1900-01-01']::timestamp[]) t

INSERT INTO stamps (id, n, n3) VALUES (100, '2000-01-01', '2000-01-01')

DELETE FROM stamps WHERE id = 4

INSERT INTO far_stamps SELECT row_number() OVER (), t, t FROM unnest(ARRAY['infinity', '-infinity', '2262-04-11 23:47:16', '1677-09-21 00:12:44', '0044-03-15 12:00:00.25 BC', '4713-11-24 00:00:00 BC', '0001-01-01', '9999-12-31 23:59:59.999', '10000-01-01', '12345-06-07 08:09:10.111', '2262-04-12', '1582-10-10 12:00', '294246-12-31 23:59:59.999']::timestamp[]) t

INSERT INTO far_stamps VALUES (20, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999')

INSERT INTO stamps_with_zone SELECT row_number() OVER (), t, t, t, t, t FROM unnest(ARRAY['1970-01-01 00:00:00+00', '2024-02-29 12:34:56.789012+05:30', '2024-02-29 12:34:56.7-08', '2024-02-29 12:34:00', '9999-12-31 23:59:59.9+00', '10000-01-01 00:00:00+00', '0001-12-31 23:59:59 BC', '0044-03-15 12:00:00.25 BC', 'infinity', '-infinity', '1883-11-18 12:00:00 America/New_York', '294276-12-31 23:59:59.9', '1890-01-01 12:00:00+00:19:32']::timestamptz[]) t

INSERT INTO stamps_with_zone (id, n) VALUES (100, 'epoch')

DELETE FROM stamps_with_zone WHERE id = 2

INSERT INTO intervals SELECT row_number() OVER (), i, i, i, i, i FROM unnest(ARRAY['0', '1 year 2 mons 3 days 04:05:06.789012', '-1 year -2 mons +3 days -04:05:06', '-1 day +02:03:04', '1 mon -1 day', '00:00:00.000001', '-00:00:00.5', '1000 years', '25 hours', '100 days 100 hours', '-13 mons', '1 year', '1 mon', '1 day', '90 minutes', '12.345 seconds', '00:00:59.9999999', '-1 mon +00:00:00.000001']::interval[]) i

INSERT INTO intervals (id, i, n) VALUES (100, '178000000 years', '0'), (101, '-178000000 years', '0'), (102, NULL, '2147483647 days')

UPDATE intervals SET i = '1 sec' WHERE id = 1

DELETE FROM intervals WHERE id = 2

DO $$ BEGIN IF current_setting('server_version_num')::int >= 170000 THEN INSERT INTO intervals (id, i, n) VALUES (200, 'infinity', '0'), (201, '-infinity', '0'); END IF; END $$

INSERT INTO temporal_arrays VALUES (1, '{2024-02-29,NULL,1969-12-31}', '{12:34:56.789012,24:00:00}', '{12:34:56.789}', '{12:34:56.789012+05:30,24:00:00+00}', '{"2024-02-29 12:34:56.789012",NULL}', '{"2024-02-29 12:34:56.789"}', '{"2024-02-29 12:34:56.789012+05:30","1970-01-01 00:00:00+00"}', '{"2024-02-29 12:34:56+00"}', '{2000-01-01}'), (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{1970-01-02}'), (4, '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')

INSERT INTO temporal_arrays (id, d, n) VALUES (5, '{infinity,-infinity,"0044-03-15 BC",10000-01-01}', '{2000-01-01}')

DELETE FROM temporal_arrays

INSERT INTO interval_array VALUES (1, '{1 day,NULL,-00:00:01}', 'intervals in an array'), (2, NULL, NULL)

INSERT INTO temporal_keys VALUES ('2024-02-29', '12:34:56.789012', '12:34:56.789', '12:34:56.789012+05:30', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012+05:30', 'a')

UPDATE temporal_keys SET d = d + 1

DELETE FROM temporal_keys

INSERT INTO interval_key VALUES ('1 day 02:00', 'a')

UPDATE interval_key SET i = '1 mon'

DELETE FROM interval_key
