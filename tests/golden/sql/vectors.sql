-- variants: default schemas avro
-- majors: 18

CREATE EXTENSION vector;

CREATE TABLE vectors (id int PRIMARY KEY, v vector(3), w vector, x vector NOT NULL);

CREATE TABLE half_vectors (id int PRIMARY KEY, v halfvec(3), w halfvec, x halfvec NOT NULL);

CREATE TABLE sparse_vectors (id int PRIMARY KEY, v sparsevec(5), w sparsevec, x sparsevec NOT NULL);

ALTER TABLE sparse_vectors REPLICA IDENTITY FULL;

CREATE TABLE default_vectors (id int PRIMARY KEY, v vector(2) DEFAULT '[1,2]', vn vector NOT NULL DEFAULT '[3]', h halfvec DEFAULT '[1.5]', s sparsevec DEFAULT '{1:1}/2');

CREATE TABLE vector_arrays (id int PRIMARY KEY, v vector[], h halfvec[], s sparsevec[], t text);

CREATE TABLE vector_keys (v vector(2) PRIMARY KEY, t text);

CREATE DOMAIN embedding AS vector(2);

CREATE TABLE embeddings (id int PRIMARY KEY, e embedding, t text);

CREATE TABLE long_vectors (id int PRIMARY KEY, v vector, h halfvec, s sparsevec, t text);

CREATE TABLE full_vectors (id int PRIMARY KEY, v vector, t text);

ALTER TABLE full_vectors REPLICA IDENTITY FULL;

-- workload

INSERT INTO vectors VALUES (1, '[1,2.5,-0.1]', '[0]', '[1e-10,1e10]'), (2, NULL, NULL, '[3.4028235e38,-3.4028235e38]'), (3, '[0.1,0.2,0.3]', '[-0,1e-45,1.17549435e-38]', '[16777217,123456.789,0.33333334]')

UPDATE vectors SET v = '[4,5,6]' WHERE id = 1

DELETE FROM vectors WHERE id = 2

INSERT INTO half_vectors VALUES (1, '[1,2.5,-0.1]', '[0]', '[6e-8,65504]'), (2, NULL, NULL, '[-65504,6.1e-5,-0]'), (3, '[0.1,0.2,0.3]', '[2049,0.33325]', '[1]')

UPDATE half_vectors SET v = '[4,5,6]' WHERE id = 1

DELETE FROM half_vectors WHERE id = 2

INSERT INTO sparse_vectors VALUES (1, '{1:1.5,3:-0.1}/5', '{}/1', '{1:1}/1'), (2, NULL, NULL, '{}/3'), (3, '{5:1e-10}/5', '{1:1,2:2,3:3,4:4,5:5,6:6,7:7,8:8,9:9,10:10,11:11,12:12,13:13}/20', '{32767:7,17:1}/32767')

UPDATE sparse_vectors SET v = '{2:4}/5' WHERE id = 1

DELETE FROM sparse_vectors WHERE id = 2

INSERT INTO default_vectors (id) VALUES (1)

INSERT INTO default_vectors VALUES (2, NULL, '[0]', NULL, NULL)

INSERT INTO vector_arrays VALUES (1, ARRAY['[1,2]'::vector, NULL, '[3]'], ARRAY['[1,2]'::halfvec], ARRAY['{1:1}/2'::sparsevec], 'some'), (2, '{}', NULL, NULL, 'none')

INSERT INTO vector_keys VALUES ('[1,2]', 'a'), ('[3,4]', 'b')

UPDATE vector_keys SET v = '[5,6]' WHERE t = 'a'

DELETE FROM vector_keys WHERE t = 'b'

INSERT INTO embeddings VALUES (1, '[1,2]', 'domain'), (2, NULL, 'null')

INSERT INTO full_vectors VALUES (1, '[1,2]', 'a'), (2, NULL, 'b')

UPDATE full_vectors SET v = '[3,4]' WHERE id = 1

DELETE FROM full_vectors

INSERT INTO long_vectors SELECT 1, array_agg(n / 7.0)::vector, array_agg(n / 7.0)::halfvec, array_agg(n / 7.0)::vector::sparsevec, 'long' FROM generate_series(1, 1500) n

UPDATE long_vectors SET t = 'unchanged'

DELETE FROM long_vectors
