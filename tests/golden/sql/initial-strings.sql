-- after: strings
-- variants: schemas avro avro-strings strings
-- connector: snapshot.mode=initial

-- workload
