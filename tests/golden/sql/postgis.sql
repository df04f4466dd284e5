-- variants: default schemas avro
-- majors: 15

CREATE EXTENSION postgis;

CREATE TABLE geometries (id int PRIMARY KEY, g geometry, p geometry(Point, 4326), z geometry(PointZ), v text);

CREATE TABLE geographies (id int PRIMARY KEY, g geography, p geography(Point, 4326), v text);

CREATE TABLE required_places (id int PRIMARY KEY, g geometry NOT NULL, p geography NOT NULL);

CREATE TABLE default_places (id int PRIMARY KEY, g geometry DEFAULT 'POINT(1 2)', gn geometry NOT NULL DEFAULT 'POINT(3 4)', p geography DEFAULT 'POINT(5 6)');

CREATE TABLE place_arrays (id int PRIMARY KEY, g geometry[], p geography[], v text);

CREATE TABLE place_keys (g geometry PRIMARY KEY, v text);

CREATE DOMAIN spot AS geometry(Point);

CREATE TABLE spots (id int PRIMARY KEY, s spot, b box2d, v text);

CREATE TABLE full_places (id int PRIMARY KEY, g geometry, v text);

ALTER TABLE full_places REPLICA IDENTITY FULL;

CREATE TABLE long_places (id int PRIMARY KEY, g geometry, p geography, v text);

ALTER TABLE long_places ALTER g SET STORAGE EXTERNAL, ALTER p SET STORAGE EXTERNAL;

-- workload

INSERT INTO geometries VALUES (1, 'POINT(1 2)', 'SRID=4326;POINT(-71.06 42.28)', 'POINT Z (1 2 3)', 'points')

INSERT INTO geometries VALUES (2, NULL, NULL, NULL, 'nulls')

INSERT INTO geometries (id, g, v) VALUES (3, 'POINT EMPTY', 'empty'), (4, 'SRID=3187;LINESTRING(0 0,1 1,2.5 -3.25)', 'line'), (5, 'POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))', 'hole'), (6, 'MULTIPOINT((1 1),(2 2))', 'many'), (7, 'GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))', 'collection'), (8, 'POINT M (1 2 3)', 'm'), (9, 'SRID=4326;POINT ZM (1 2 3 4)', 'zm'), (10, 'CIRCULARSTRING(0 0,1 1,2 0)', 'curve'), (11, ST_MakePoint('NaN', 'Infinity'), 'no numbers'), (12, 'GEOMETRYCOLLECTION EMPTY', 'nothing'), (13, 'TIN(((0 0 0,0 0 1,0 1 0,0 0 0)))', 'tin')

UPDATE geometries SET g = 'SRID=999999;POINT(1e300 -1e-300)' WHERE id = 1

DELETE FROM geometries WHERE id = 2

INSERT INTO geographies VALUES (1, 'POINT(-118.4079 33.9434)', 'POINT(0 90)', 'points'), (2, 'LINESTRING(0 0,1 1)', NULL, 'line'), (3, NULL, NULL, 'nulls'), (4, 'SRID=4267;POINT(1 2)', 'POINT EMPTY', 'another reference')

UPDATE geographies SET v = 'moved', g = 'POINT(181 -91)' WHERE id = 1

INSERT INTO required_places VALUES (1, 'POINT(1 2)', 'POINT(3 4)')

DELETE FROM required_places

INSERT INTO default_places (id) VALUES (1)

INSERT INTO default_places VALUES (2, NULL, 'POINT(0 0)', NULL)

INSERT INTO place_arrays VALUES (1, ARRAY['POINT(1 2)'::geometry, NULL, 'LINESTRING(0 0,1 1)'], ARRAY['POINT(1 2)'::geography], 'some'), (2, '{}', NULL, 'none')

INSERT INTO place_keys VALUES ('POINT(1 2)', 'a'), ('SRID=4326;POINT(3 4)', 'b')

UPDATE place_keys SET g = 'POINT(5 6)' WHERE v = 'a'

DELETE FROM place_keys WHERE v = 'b'

INSERT INTO spots VALUES (1, 'POINT(1 2)', 'BOX(1 2,3 4)', 'domain'), (2, NULL, NULL, 'nulls')

INSERT INTO full_places VALUES (1, 'POINT(1 2)', 'a'), (2, NULL, 'b')

UPDATE full_places SET g = 'POINT(3 4)' WHERE id = 1

DELETE FROM full_places

INSERT INTO long_places SELECT 1, ST_MakeLine(ARRAY(SELECT ST_MakePoint(n, n / 3.0) FROM generate_series(1, 300) n)), ST_MakeLine(ARRAY(SELECT ST_MakePoint(n / 10.0, n / 30.0) FROM generate_series(1, 300) n))::geography, 'long'

UPDATE long_places SET v = 'unchanged'

DELETE FROM long_places
