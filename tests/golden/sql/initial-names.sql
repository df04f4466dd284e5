-- after: names
-- variants: default avro
-- connector: snapshot.mode=initial

-- Debezium stops at a table without columns, and reads one that is not logged: DIFFERENCES.md.
DROP TABLE no_columns, only_dropped, unlogged_table;

-- workload
