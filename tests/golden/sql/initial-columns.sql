-- after: columns
-- variants: hidden hidden-avro described
-- connector: snapshot.mode=initial

-- Debezium does not read columns that it leaves out, and then writes their defaults, or 0, into keys: DIFFERENCES.md.
UPDATE left_out_key SET id = 7;

UPDATE left_out_named SET code = 'c';

DELETE FROM stars WHERE id = 2;

UPDATE stars SET id = 0;

-- workload
