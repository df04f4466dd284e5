-- after: bare
-- variants: avro-bare
-- connector: snapshot.mode=initial

-- workload
