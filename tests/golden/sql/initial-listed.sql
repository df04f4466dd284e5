-- variants: default schemas avro
-- connector: snapshot.mode=initial
-- connector: table.include.list=public\.barrier,public\.zebra,public\.(bear|a.*),public\.queried,public\.countries,public\.skipped,public\.described
-- connector: snapshot.include.collection.list=public\.(zebra|apple|bear|queried|countries|described)
-- connector: snapshot.select.statement.overrides=public.queried
-- connector: snapshot.select.statement.overrides.public.queried=SELECT * FROM public.queried WHERE id > 1 ORDER BY id DESC
-- connector: column.exclude.list=public\.apple\.secret
-- connector: column.mask.with.5.chars=public\.bear\.name
-- connector: column.truncate.to.3.chars=public\.bear\.note
-- connector: column.mask.hash.v2.SHA-256.with.salt.x=public\.bear\.mail
-- connector: message.key.columns=public\.queried:code,id
-- connector: include.schema.comments=true
-- connector: column.propagate.source.type=public\.described\..*
-- connector: skipped.operations=d

CREATE PUBLICATION dbz_publication FOR ALL TABLES WITH (publish_via_partition_root = true);

CREATE TABLE zebra (id int PRIMARY KEY, v text);

INSERT INTO zebra VALUES (1, 'a'), (2, 'b');

CREATE TABLE apple (id int PRIMARY KEY, secret text NOT NULL, v text);

INSERT INTO apple VALUES (1, 'secret', 'a'), (2, 'secret', 'b');

CREATE TABLE bear (id int PRIMARY KEY, name text, note text NOT NULL, mail varchar(40));

INSERT INTO bear VALUES (1, 'Baloo', 'a long note', 'baloo@example.com'), (2, NULL, '', NULL);

CREATE TABLE queried (id int PRIMARY KEY, code text NOT NULL, v numeric(6,2));

INSERT INTO queried VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', NULL);

CREATE TABLE countries (code char(2) NOT NULL, name text, PRIMARY KEY (code)) PARTITION BY RANGE (code);

CREATE TABLE countries_a PARTITION OF countries FOR VALUES FROM ('a') TO ('m');

CREATE TABLE countries_m PARTITION OF countries FOR VALUES FROM ('m') TO ('zz');

INSERT INTO countries VALUES ('de', 'Germany'), ('us', 'United States');

CREATE TABLE described (id int PRIMARY KEY, v numeric(5,1) DEFAULT 1.5, w text, gone int);

COMMENT ON TABLE described IS 'a table with "comments"';

COMMENT ON COLUMN described.id IS 'the key';

COMMENT ON COLUMN described.v IS E'an amount, in €\nand cents';

INSERT INTO described VALUES (1, 2.5, 'x', 7), (2, NULL, NULL, NULL);

CREATE TABLE skipped (id int PRIMARY KEY, v text);

INSERT INTO skipped VALUES (1, 'not read');

CREATE TABLE other (id int PRIMARY KEY, v text);

INSERT INTO other VALUES (1, 'not captured');

-- workload

INSERT INTO zebra VALUES (3, 'c')

INSERT INTO apple VALUES (3, 'secret', 'c')

UPDATE bear SET note = 'another note' WHERE id = 1

INSERT INTO queried VALUES (4, 'four', 4)

UPDATE countries SET name = 'USA' WHERE code = 'us'

INSERT INTO described VALUES (3, 1, 'y', 8)

UPDATE skipped SET v = 'streamed'

DELETE FROM zebra WHERE id = 1

INSERT INTO other VALUES (2, 'not captured')
