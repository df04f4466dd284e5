-- variants: default schemas
-- connector: snapshot.mode=initial
-- connector: notification.enabled.channels=sink,log
-- connector: notification.sink.topic.name=notices15.notifications

CREATE PUBLICATION dbz_publication FOR ALL TABLES;

CREATE TABLE customers (id int PRIMARY KEY, name text);

INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace');

CREATE TABLE empty (id int PRIMARY KEY, v text);

CREATE TABLE items (id int PRIMARY KEY, v text);

INSERT INTO items SELECT i, 'x' FROM generate_series(1, 20) i;

-- workload

INSERT INTO customers VALUES (4, 'Barbara')
