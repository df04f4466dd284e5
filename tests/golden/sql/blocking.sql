-- variants: default schemas avro transaction-metadata
-- connector: signal.data.collection=public.signals
-- connector: notification.enabled.channels=sink
-- connector: notification.sink.topic.name=${prefix}.notifications

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

CREATE TABLE signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));

CREATE TABLE single (id int PRIMARY KEY, v text);

INSERT INTO single SELECT i, 'v' || i FROM generate_series(1, 4) i;

CREATE TABLE composite (region text COLLATE "C", n int, price numeric(10,2), at timestamptz, PRIMARY KEY (region, n));

INSERT INTO composite SELECT chr(97 + i / 3), i % 3, i + 0.5, '2026-01-02 03:04:05.678901+00' FROM generate_series(0, 4) i;

CREATE TABLE keyless (a int, b text);

INSERT INTO keyless VALUES (1, 'x'), (NULL, 'y');

CREATE TABLE empty (id int PRIMARY KEY, v text);

CREATE TABLE toasted (id int PRIMARY KEY, small text, large text);

ALTER TABLE toasted ALTER large SET STORAGE EXTERNAL;

INSERT INTO toasted SELECT i, 's' || i, repeat(chr(64 + i), 2500) FROM generate_series(1, 2) i;

CREATE TABLE conditioned (id bigint PRIMARY KEY, color text, v jsonb);

INSERT INTO conditioned SELECT i, CASE i % 2 WHEN 0 THEN 'blue' ELSE 'red' END, json_build_object('i', i) FROM generate_series(1, 6) i;

CREATE TABLE identity_full (id int PRIMARY KEY, v text NOT NULL DEFAULT 'none');

ALTER TABLE identity_full REPLICA IDENTITY FULL;

INSERT INTO identity_full VALUES (1, 'a'), (2, 'b');

CREATE TABLE "Mixed" ("Key" smallint PRIMARY KEY, "Value" bytea);

INSERT INTO "Mixed" VALUES (-1, '\x00ff'), (0, ''), (7, NULL);

-- workload

-- Debezium knows a table whose rows it has streamed, and one of which none came.
UPDATE single SET v = 'before' WHERE id = 2;

INSERT INTO signals VALUES ('first', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.composite", "public.single"]}');

-- snapshot

UPDATE single SET v = 'after' WHERE id = 3;
DELETE FROM composite WHERE region = 'a' AND n = 0;

INSERT INTO signals VALUES ('keyless', 'execute-snapshot', '{"type": "BLOCKING", "data-collections": ["public.keyless"]}');

-- snapshot

INSERT INTO keyless VALUES (2, 'z');

INSERT INTO signals VALUES ('blue', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.conditioned"], "additional-conditions": [{"data-collection": "public.conditioned", "filter": "SELECT * FROM public.conditioned WHERE color = ''blue'' ORDER BY id DESC"}]}');

-- snapshot

UPDATE conditioned SET color = 'green' WHERE id = 1;

INSERT INTO signals VALUES ('one-row', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.conditioned", "public.toasted"], "additional-conditions": [{"data-collection": "public.conditioned", "filter": "SELECT * FROM public.conditioned WHERE id = 6"}]}');

-- snapshot

UPDATE toasted SET small = 'changed' WHERE id = 2;

INSERT INTO signals VALUES ('odd-ones', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.nowhere", "public.empty", "public\\.identity_.*", "public\\.Mixed"]}');

-- snapshot

INSERT INTO empty VALUES (1, 'no more');
UPDATE identity_full SET v = 'c' WHERE id = 1;
DELETE FROM "Mixed" WHERE "Key" = 0;

INSERT INTO signals VALUES ('twice', 'execute-snapshot', '{"type": "blocking", "data-collections": ["public.single"]}');

-- snapshot

DELETE FROM empty;
INSERT INTO single VALUES (9, 'last');
