-- after: defaults
-- variants: schemas avro strings doubles nulls
-- connector: snapshot.mode=initial

-- Debezium reads dates by a calendar that has no era: DIFFERENCES.md.
UPDATE time_defaults SET an = '2024-02-29';

-- workload
