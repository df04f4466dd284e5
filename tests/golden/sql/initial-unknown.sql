-- after: unknown
-- variants: schemas avro strings doubles nanoseconds
-- connector: snapshot.mode=initial

-- Debezium stops at a value of type refcursor, whose cursor the driver wants to open.
DROP TABLE cursors;

-- workload
