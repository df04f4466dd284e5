-- variants: default schemas transaction-metadata avro-transaction-metadata

CREATE TABLE a (id int PRIMARY KEY, v text);

CREATE TABLE b (id int PRIMARY KEY, v text);

CREATE TABLE not_published_key (v text);

CREATE TABLE c (id int PRIMARY KEY, a_id int REFERENCES a (id) ON DELETE CASCADE);

CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO not_published_key VALUES (NEW.v); RETURN NEW; END $$;

-- workload

INSERT INTO a VALUES (1, 'first')

INSERT INTO b VALUES (1, 'first')

BEGIN;
INSERT INTO a VALUES (2, 'x');
INSERT INTO b VALUES (2, 'x');
INSERT INTO a VALUES (3, 'y');
UPDATE b SET v = 'z' WHERE id = 1;
COMMIT

BEGIN;
INSERT INTO a VALUES (4, 'kept');
SAVEPOINT s;
INSERT INTO a VALUES (5, 'rolled back');
ROLLBACK TO SAVEPOINT s;
INSERT INTO a VALUES (6, 'kept');
SAVEPOINT t;
INSERT INTO b VALUES (6, 'released');
RELEASE SAVEPOINT t;
COMMIT

BEGIN;
INSERT INTO a VALUES (7, 'never');
ROLLBACK

INSERT INTO a VALUES (1, 'conflict') ON CONFLICT (id) DO UPDATE SET v = excluded.v || '!'

INSERT INTO a VALUES (1, 'conflict') ON CONFLICT DO NOTHING

COPY b FROM PROGRAM 'seq -f "%g,copied" 10 14' WITH (FORMAT csv)

BEGIN;
UPDATE a SET v = 'twice' WHERE id = 1;
UPDATE a SET v = 'thrice' WHERE id = 1;
DELETE FROM a WHERE id = 1;
INSERT INTO a VALUES (1, 'again');
UPDATE a SET id = 20 WHERE id = 1;
UPDATE a SET id = 1 WHERE id = 20;
COMMIT

INSERT INTO c VALUES (1, 2), (2, 3)

DELETE FROM a WHERE id = 2

SELECT pg_replication_origin_create('elsewhere')

SELECT pg_replication_origin_session_setup('elsewhere')

BEGIN;
SELECT pg_replication_origin_xact_setup('1/A0B0C0D0', '2020-01-02 03:04:05.678901+00');
INSERT INTO a VALUES (30, 'from elsewhere');
UPDATE a SET v = 'from elsewhere too' WHERE id = 30;
COMMIT

INSERT INTO a VALUES (31, 'origin without position')

SELECT pg_replication_origin_session_reset()

INSERT INTO a VALUES (32, 'home again')

BEGIN;
SELECT pg_logical_emit_message(true, 'prefix', 'content');
INSERT INTO a VALUES (33, 'beside a message');
COMMIT

SELECT pg_logical_emit_message(true, 'prefix', 'transactional alone')

INSERT INTO a VALUES (331, 'after a message')

SELECT pg_logical_emit_message(false, 'prefix', 'on its own')

INSERT INTO a VALUES (34, 'after a message')

BEGIN;
INSERT INTO a SELECT 1000 + n, 'many ' || n FROM generate_series(1, 12) n;
COMMIT

TRUNCATE b

BEGIN;
TRUNCATE c;
INSERT INTO c VALUES (5, 3);
COMMIT

-- barrier

TRUNCATE a, b, c RESTART IDENTITY CASCADE

MERGE INTO a USING (VALUES (1, 'merged'), (2, 'merged')) AS s (id, v) ON a.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)

WITH moved AS (DELETE FROM a WHERE id = 1 RETURNING *) INSERT INTO b SELECT * FROM moved

BEGIN;
SELECT txid_current();
COMMIT

CREATE TRIGGER log_it AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION log_it()

INSERT INTO a VALUES (40, 'triggered')

PREPARE p AS INSERT INTO a VALUES (41, 'prepared statement')

EXECUTE p

BEGIN;
INSERT INTO a VALUES (42, 'deferred');
SET LOCAL synchronous_commit = off;
COMMIT
