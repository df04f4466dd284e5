-- after: bytes
-- variants: schemas avro strings doubles microseconds nanoseconds
-- connector: snapshot.mode=initial

-- workload
