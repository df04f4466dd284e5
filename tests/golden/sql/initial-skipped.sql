-- variants: default
-- connector: snapshot.mode=initial
-- connector: skipped.operations=r

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

CREATE TABLE skipped (id int PRIMARY KEY, v text);

INSERT INTO skipped VALUES (1, 'written all the same'), (2, 'written all the same');

-- workload

INSERT INTO skipped VALUES (3, 'written')
