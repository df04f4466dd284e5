-- after: numbers
-- variants: schemas avro avro-strings strings doubles json-numeric
-- connector: snapshot.mode=initial

-- A table has a type of its own name, which the driver takes for the built-in one.
ALTER TABLE money RENAME TO moneys;

-- workload
