-- after: adjusted
-- variants: schemas avro avro-names avro-unicode-names
-- connector: snapshot.mode=initial

-- workload
