-- after: required
-- variants: schemas avro strings doubles
-- connector: snapshot.mode=initial

-- workload
