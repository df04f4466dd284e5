-- variants: default schemas avro avro-strings strings

CREATE EXTENSION citext;

CREATE EXTENSION ltree;

CREATE EXTENSION hstore;

CREATE EXTENSION isn;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'hap''py, "so"', 'größe');

CREATE DOMAIN label AS varchar(10);

CREATE DOMAIN short_label AS label CHECK (length(value) < 6);

CREATE DOMAIN required_label AS label NOT NULL;

CREATE DOMAIN stamp AS timestamp(3);

CREATE DOMAIN amount AS numeric(10,2);

CREATE DOMAIN tax AS amount;

CREATE DOMAIN free_amount AS numeric;

CREATE DOMAIN numbers AS int4[];

CREATE DOMAIN labels AS text[] DEFAULT '{a}';

CREATE DOMAIN attributes AS hstore;

CREATE DOMAIN flag AS bit(1);

CREATE DOMAIN document AS jsonb;

CREATE TABLE characters (id int PRIMARY KEY, a text, b varchar, c varchar(5), d char, e char(3), f bpchar, h "char", i citext, j ltree, an text NOT NULL, cn varchar(5) NOT NULL, en char(3) NOT NULL, hn "char" NOT NULL, ihn citext NOT NULL, jn ltree NOT NULL);

CREATE TABLE networks (id int PRIMARY KEY, a inet, b cidr, c macaddr, d macaddr8, an inet NOT NULL, bn cidr NOT NULL, cn macaddr NOT NULL, dn macaddr8 NOT NULL);

CREATE TABLE documents (id int PRIMARY KEY, a json, b jsonb, c xml, d uuid, an json NOT NULL, bn jsonb NOT NULL, cn xml NOT NULL, dn uuid NOT NULL);

CREATE TABLE ranges (id int PRIMARY KEY, a int4range, b int8range, c numrange, d tsrange, e tstzrange, f daterange, an int4range NOT NULL, en tstzrange NOT NULL);

CREATE TABLE vectors (id int PRIMARY KEY, a tsvector, n tsvector NOT NULL);

CREATE TABLE stores (id int PRIMARY KEY, a hstore, n hstore NOT NULL);

CREATE TABLE numbers_of_things (id int PRIMARY KEY, a isbn, b isbn13, c ismn, d ismn13, e issn, f issn13, g ean13, h upc, an isbn NOT NULL);

CREATE TABLE enums (id mood PRIMARY KEY, a mood, an mood NOT NULL, b mood[], bn mood[] NOT NULL);

CREATE TABLE domains (id int PRIMARY KEY, a label, b short_label, c required_label, d stamp, e amount, f tax, g free_amount, h numbers, i labels, j attributes, k flag, l document);

CREATE TABLE string_arrays (id int PRIMARY KEY, a text[], b varchar(5)[], c char(3)[], d citext[], e ltree[], f hstore[], g inet[], h cidr[], i macaddr[], j macaddr8[], k uuid[], l json[], m jsonb[], n int4range[], o "char"[], p bpchar[], q tstzrange[], an text[] NOT NULL);

CREATE TABLE string_keys (a inet, b cidr, c macaddr, d uuid, e citext, f ltree, g int4range, h varchar(9), i char(4), v text, PRIMARY KEY (a, b, c, d, e, f, g, h, i));

CREATE TABLE store_key (id hstore PRIMARY KEY, v text);

CREATE TABLE big_values (id int PRIMARY KEY, v text, a text, b json, c jsonb, d xml, e text[], f jsonb[], g int4[], h uuid[], i hstore, j int8[], k varchar(4000), l date[], m citext, n tsvector, o timestamp[], p json[], q varchar(3000)[]);

ALTER TABLE big_values ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL, ALTER d SET STORAGE EXTERNAL, ALTER e SET STORAGE EXTERNAL, ALTER f SET STORAGE EXTERNAL, ALTER g SET STORAGE EXTERNAL, ALTER h SET STORAGE EXTERNAL, ALTER i SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL, ALTER k SET STORAGE EXTERNAL, ALTER l SET STORAGE EXTERNAL, ALTER m SET STORAGE EXTERNAL, ALTER n SET STORAGE EXTERNAL, ALTER o SET STORAGE EXTERNAL, ALTER p SET STORAGE EXTERNAL, ALTER q SET STORAGE EXTERNAL, SET (toast_tuple_target = 128);

-- workload

INSERT INTO characters VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f', 'h', 'CiText', 'Top.Science.Astronomy', 'a', 'c', 'e', 'h', 'I', 'Top'), (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''), (3, E'quote " back \\ tab \t', E'line\nbreak', 'größe', 'é', '漢字', 'x  ', '"', '🎉', 'a.b_c.D1', '👩‍👩‍👧', '🎉', 'ü', '\', 'ß', 'x')

INSERT INTO characters (id, an, cn, en, hn, ihn, jn) VALUES (4, 'n', 'n', 'n', 'n', 'n', 'n')

UPDATE characters SET id = 5 WHERE id = 1

DELETE FROM characters WHERE id = 5

INSERT INTO networks VALUES (1, '192.168.0.1', '192.168.0.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '10.0.0.1/8', '10.0.0.0/8', '08-00-2B-01-02-03', '08002b:0102030405'), (2, '::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03', '2001:db8::1/64', '::/0', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00'), (3, NULL, NULL, NULL, NULL, '::ffff:1.2.3.4', '0.0.0.0/0', '01:23:45:67:89:ab', '01:23:45:67:89:ab:cd:ef'), (4, '192.168.0.1/32', '192.168.0.1/32', NULL, NULL, '0.0.0.0', '::1/128', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05')

DELETE FROM networks WHERE id = 1

INSERT INTO documents VALUES (1, '{"a" : 1,  "b": [true,null, 1.50]}', '{"b": 2, "a": {"x": "é\n"}}', '<a b="c">t</a>', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[]', '"s"', '<x/>', '00000000-0000-0000-0000-000000000000'), (2, NULL, NULL, NULL, NULL, 'null', 'null', 'text', 'ffffffff-ffff-ffff-ffff-ffffffffffff')

DELETE FROM documents WHERE id = 1

INSERT INTO ranges VALUES (1, '[1,3)', '(1,3]', '[1.5,2.50]', '["2024-01-01 00:00:00","2024-01-02 12:34:56.789")', '["2024-01-01 00:00:00+05:30",infinity)', '[2024-01-01,2024-02-01]', '[1,)', '(,)'), (2, 'empty', 'empty', '(,1.5)', 'empty', 'empty', '(,infinity)', 'empty', 'empty'), (3, NULL, NULL, NULL, NULL, NULL, NULL, '(,5)', '[-infinity,infinity]')

DELETE FROM ranges WHERE id = 1

INSERT INTO vectors VALUES (1, 'a fat cat', '''it''''s'':3A,5 word:1B'), (2, NULL, '')

DELETE FROM vectors WHERE id = 1

INSERT INTO stores VALUES (1, 'a=>1, b=>NULL, "c d"=>"e\"f"', ''), (2, NULL, 'key4=>val4, key5=>NULL'), (3, hstore(ARRAY(SELECT 'k' || n FROM generate_series(1, 30) n), ARRAY(SELECT n::text FROM generate_series(1, 30) n)), '"größe"=>"漢字🎉", ""=>"", "\\"=>"\\"'), (4, 'Aa=>1, BB=>2, AaAa=>3, BBBB=>4, AaBB=>5, BBAa=>6', 'NULL=>"NULL", "null"=>NULL')

DELETE FROM stores WHERE id = 1

INSERT INTO numbers_of_things VALUES (1, '0-393-04002-X', '978-0-393-04002-9', '9790230671187', '9790230671187', '1436-4522', '9771436452008', '9780393040029', '220356483481', '0-393-04002-X'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0-393-04002-X')

DELETE FROM numbers_of_things WHERE id = 1

INSERT INTO enums VALUES ('sad', 'ok', 'größe', '{sad,NULL,"hap''py, \"so\""}', '{ok}'), ('ok', NULL, 'ok', NULL, '{}')

ALTER TYPE mood ADD VALUE 'new, one' BEFORE 'ok'

INSERT INTO enums VALUES ('new, one', 'new, one', 'new, one', '{"new, one",sad}', '{}')

DELETE FROM enums

INSERT INTO domains VALUES (1, 'label', 'short', 'needed', '2024-02-29 12:34:56.789', 12.3, 4.56, 7.890, '{1,NULL,3}', '{b,c}', 'a=>1', '1', '{"a": 1}'), (2, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

INSERT INTO domains (id, c) VALUES (3, 'x')

DELETE FROM domains

INSERT INTO string_arrays VALUES (1, ARRAY['a', '', NULL, 'NULL', 'with "quotes"', 'back\slash', 'comma, brace {}', E'line\nbreak', '🎉'], '{abc,de}', '{a,bc}', '{Ci,TEXT}', '{Top.A,B}', ARRAY['a=>1'::hstore, ''::hstore, NULL], '{192.168.0.1,::1}', '{10.0.0.0/8}', '{08:00:2b:01:02:03}', '{08:00:2b:01:02:03:04:05}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}', ARRAY['{"a" : 1}', 'null', NULL]::json[], ARRAY['{"a": "x,y"}', '[1, 2]', '"s"']::jsonb[], '{"[1,3)",empty}', '{a,b}', '{a,b}', ARRAY['["2024-01-01 00:00:00+00",)'::tstzrange], '{x}'), (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{NULL}')

UPDATE string_arrays SET an = array_append(an, 'more')

DELETE FROM string_arrays

INSERT INTO string_keys VALUES ('10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'CiText', 'Top.A', '[1,3)', 'größe', 'x', 'a')

UPDATE string_keys SET e = 'other', h = 'quo"te'

DELETE FROM string_keys

INSERT INTO store_key VALUES ('b=>1, a=>NULL', 'a')

UPDATE store_key SET id = 'c=>2'

DELETE FROM store_key

INSERT INTO big_values SELECT 1, 'a', repeat('x', 180), to_json(repeat('j', 180)), to_jsonb(repeat('b', 180)), ('<x>' || repeat('y', 180) || '</x>')::xml, ARRAY[repeat('t', 180)], ARRAY[to_jsonb(repeat('u', 180))], ARRAY(SELECT n FROM generate_series(1, 45) n), ARRAY(SELECT md5(n::text)::uuid FROM generate_series(1, 11) n), hstore('k', repeat('h', 180)), ARRAY(SELECT n FROM generate_series(1, 24) n), repeat('v', 180), ARRAY(SELECT '2000-01-01'::date + n FROM generate_series(1, 45) n), repeat('c', 180), (SELECT string_agg('w' || n, ' ')::tsvector FROM generate_series(1, 16) n), ARRAY(SELECT '2000-01-01'::timestamp + n * interval '1 s' FROM generate_series(1, 24) n), ARRAY[to_json(repeat('p', 180))], ARRAY[repeat('q', 180)]

UPDATE big_values SET v = 'everything else unchanged'

UPDATE big_values SET id = 2

ALTER TABLE big_values REPLICA IDENTITY FULL

UPDATE big_values SET v = 'the old row holds it'
