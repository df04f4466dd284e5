-- variants: schemas avro
-- majors: 18
-- connector: snapshot.mode=initial

CREATE PUBLICATION dbz_publication FOR ALL TABLES WITH (publish_generated_columns = stored);

CREATE TABLE virtual (id int PRIMARY KEY, doubled int GENERATED ALWAYS AS (id * 2) VIRTUAL, t text NOT NULL GENERATED ALWAYS AS ('t' || id) VIRTUAL, v text);

INSERT INTO virtual (id, v) VALUES (1, 'a'), (2, NULL);

CREATE TABLE stored (id int NOT NULL, next int NOT NULL GENERATED ALWAYS AS (id + 1) STORED, seven int GENERATED ALWAYS AS (7) STORED, v text, PRIMARY KEY (next));

INSERT INTO stored (id, v) VALUES (1, 'a'), (2, NULL);

-- workload

INSERT INTO virtual (id, v) VALUES (3, 'c')

UPDATE stored SET v = 'b' WHERE id = 1

INSERT INTO stored (id, v) VALUES (3, 'c')
