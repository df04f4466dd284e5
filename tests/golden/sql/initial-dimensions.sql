-- after: dimensions
-- variants: schemas avro strings
-- connector: snapshot.mode=initial
-- connector: column.mask.with.3.chars=public.hidden_squares.a
-- connector: column.truncate.to.1.chars=public.hidden_squares.b
-- connector: column.mask.hash.v2.SHA-256.with.salt.x=public.hidden_squares.c

-- workload
