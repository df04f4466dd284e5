-- variants: default schemas
-- connector: tombstones.on.delete=false
-- connector: extended.headers.enabled=false
-- connector: skipped.operations=none
-- connector: topic.delimiter=_
-- connector: unavailable.value.placeholder=gone

CREATE TABLE a (id int PRIMARY KEY, v text, big text, big_bytes bytea);

ALTER TABLE a ALTER big SET STORAGE EXTERNAL, ALTER big_bytes SET STORAGE EXTERNAL;

CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a (id));

-- workload

INSERT INTO a VALUES (1, 'one', repeat('x', 2600), decode(repeat('ab', 2600), 'hex'))

UPDATE a SET v = 'uno'

UPDATE a SET id = 2

INSERT INTO b VALUES (1, 2), (2, NULL)

DELETE FROM b WHERE id = 2

TRUNCATE b

TRUNCATE a, b RESTART IDENTITY

BEGIN;
INSERT INTO a VALUES (3, 'three');
TRUNCATE a CASCADE;
INSERT INTO a VALUES (3, 'three');
COMMIT

DELETE FROM a
