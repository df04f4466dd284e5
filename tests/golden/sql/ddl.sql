-- variants: default schemas avro

CREATE TABLE evolving (id int PRIMARY KEY, a text, b int);

CREATE TABLE other (id int PRIMARY KEY, v text);

-- workload

INSERT INTO evolving VALUES (1, 'a', 1)

ALTER TABLE evolving ADD COLUMN c text

INSERT INTO evolving VALUES (2, 'a', 2, 'c')

ALTER TABLE evolving ADD COLUMN d int NOT NULL DEFAULT 7

INSERT INTO evolving VALUES (3, 'a', 3, 'c', 8)

UPDATE evolving SET a = 'b' WHERE id = 1

DELETE FROM evolving WHERE id = 1

ALTER TABLE evolving DROP COLUMN b

INSERT INTO evolving VALUES (4, 'a', 'c', 9)

ALTER TABLE evolving RENAME COLUMN a TO renamed

INSERT INTO evolving VALUES (5, 'a', 'c', 10)

ALTER TABLE evolving ALTER COLUMN d TYPE bigint

INSERT INTO evolving VALUES (6, 'a', 'c', 5000000000)

ALTER TABLE evolving ALTER COLUMN d TYPE numeric(15,3)

INSERT INTO evolving VALUES (7, 'a', 'c', 1.5)

ALTER TABLE evolving ALTER COLUMN c SET DEFAULT 'dflt'

INSERT INTO evolving VALUES (8, 'a', NULL, 1.5)

DELETE FROM evolving WHERE id = 8

ALTER TABLE evolving ALTER COLUMN c DROP DEFAULT

INSERT INTO evolving VALUES (9, 'a', NULL, 1.5)

ALTER TABLE evolving ALTER COLUMN renamed SET NOT NULL

DELETE FROM evolving WHERE id = 9

ALTER TABLE evolving ALTER COLUMN renamed DROP NOT NULL

DELETE FROM evolving WHERE id = 7

ALTER TABLE evolving DROP CONSTRAINT evolving_pkey

INSERT INTO evolving VALUES (10, 'a', NULL, 1.5)

ALTER TABLE evolving ADD PRIMARY KEY (id, renamed)

INSERT INTO evolving VALUES (11, 'a', NULL, 1.5)

UPDATE evolving SET renamed = 'z' WHERE id = 11

DELETE FROM evolving WHERE id = 11

ALTER TABLE evolving REPLICA IDENTITY FULL

UPDATE evolving SET c = 'full' WHERE id = 10

ALTER TABLE evolving RENAME TO evolved

INSERT INTO evolved VALUES (12, 'a', NULL, 1.5)

CREATE SCHEMA elsewhere

ALTER TABLE evolved SET SCHEMA elsewhere

INSERT INTO elsewhere.evolved VALUES (13, 'a', NULL, 1.5)

DROP TABLE elsewhere.evolved

CREATE TABLE evolving (id text PRIMARY KEY, fresh boolean)

INSERT INTO evolving VALUES ('one', true)

CREATE TYPE state AS ENUM ('on', 'off')

ALTER TABLE evolving ADD COLUMN s state NOT NULL DEFAULT 'off'

INSERT INTO evolving VALUES ('two', true, 'on')

ALTER TYPE state ADD VALUE 'standby'

INSERT INTO evolving VALUES ('three', true, 'standby')

ALTER TYPE state RENAME VALUE 'standby' TO 'asleep'

INSERT INTO evolving VALUES ('four', true, 'asleep')

BEGIN;
INSERT INTO other VALUES (1, 'before');
ALTER TABLE other ADD COLUMN w int;
INSERT INTO other VALUES (2, 'after', 3);
COMMIT;
-- ddl

CREATE TABLE late (id int PRIMARY KEY, v text)

INSERT INTO late VALUES (1, 'made while streaming')

BEGIN;
CREATE TABLE same_transaction (id int PRIMARY KEY, v text);
INSERT INTO same_transaction VALUES (1, 'x');
COMMIT;
-- ddl

DROP TABLE late

CREATE TABLE late (id int PRIMARY KEY, v int)

INSERT INTO late VALUES (1, 2)

COMMENT ON TABLE late IS 'no new version'

INSERT INTO late VALUES (2, 3)

CREATE INDEX late_v ON late (v)

INSERT INTO late VALUES (3, 4)

VACUUM late

ALTER TABLE late ADD COLUMN n int GENERATED ALWAYS AS IDENTITY

INSERT INTO late VALUES (4, 5)

ALTER TABLE late ALTER COLUMN v TYPE varchar(20)

INSERT INTO late VALUES (5, 'vc')

ALTER TABLE late ALTER COLUMN v TYPE timestamp(2) USING now()::timestamp(2)

UPDATE late SET v = '2024-01-01 00:00:00.12'
