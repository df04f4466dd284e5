-- after: geometry
-- variants: schemas avro strings
-- connector: snapshot.mode=initial

-- workload
