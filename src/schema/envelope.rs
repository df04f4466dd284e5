//! The schemas around a row: the envelope of a change and its `source` and `transaction` blocks.
//!
//! Source: Debezium's `Envelope`, `AbstractSourceInfoStructMaker`, `PostgresSourceInfoStructMaker`, `SchemaFactory`.

use std::sync::Arc;

use super::{Field, Kind, Literal, Schema};

/// Where a `source` block's data comes from: the values of `snapshot`, in the order Debezium lists them.
const SNAPSHOT_VALUES: &str = "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental";

pub(super) fn required(kind: Kind) -> Schema {
    Schema::of(kind)
}

pub(super) fn optional(kind: Kind) -> Schema {
    Schema::of(kind).optional()
}

/// The `source` block.
pub(super) fn source() -> Schema {
    let snapshot = Schema::semantic(Kind::String, "io.debezium.data.Enum")
        .parameter("allowed", SNAPSHOT_VALUES)
        .or(Literal::String("false".to_owned()))
        .optional();
    let fields = vec![
        Field::new("version", required(Kind::String)),
        Field::new("connector", required(Kind::String)),
        Field::new("name", required(Kind::String)),
        Field::new("ts_ms", required(Kind::Int64)),
        Field::new("snapshot", snapshot),
        Field::new("db", required(Kind::String)),
        Field::new("sequence", optional(Kind::String)),
        Field::new("ts_us", optional(Kind::Int64)),
        Field::new("ts_ns", optional(Kind::Int64)),
        Field::new("schema", required(Kind::String)),
        Field::new("table", required(Kind::String)),
        Field::new("txId", optional(Kind::Int64)),
        Field::new("lsn", optional(Kind::Int64)),
        Field::new("xmin", optional(Kind::Int64)),
        Field::new("origin", optional(Kind::String)),
        Field::new("origin_lsn", optional(Kind::Int64)),
    ];
    Schema::semantic(Kind::Struct(fields), "io.debezium.connector.postgresql.Source")
}

/// The `transaction` block of a row.
pub(super) fn transaction() -> Schema {
    let fields = vec![
        Field::new("id", required(Kind::String)),
        Field::new("total_order", required(Kind::Int64)),
        Field::new("data_collection_order", required(Kind::Int64)),
    ];
    Schema::semantic(Kind::Struct(fields), "event.block").optional()
}

/// The envelope of a table's changes.
#[derive(Clone, Debug)]
pub struct Envelope {
    metadata: Vec<Field>,
}

impl Default for Envelope {
    fn default() -> Self {
        let metadata = vec![
            Field::new("source", source()),
            Field::new("transaction", transaction()),
            Field::new("op", required(Kind::String)),
            Field::new("ts_ms", optional(Kind::Int64)),
            Field::new("ts_us", optional(Kind::Int64)),
            Field::new("ts_ns", optional(Kind::Int64)),
        ];
        Self { metadata }
    }
}

impl Envelope {
    /// The fields behind the rows.
    #[must_use]
    pub fn metadata(&self) -> &[Field] {
        &self.metadata
    }

    /// The envelope around a row, named.
    #[must_use]
    pub fn around(&self, row: &Arc<Schema>, name: String) -> Schema {
        let rows = [Field::new("before", Arc::clone(row)), Field::new("after", Arc::clone(row))];
        let fields = rows.into_iter().chain(self.metadata.iter().cloned()).collect();
        Schema::of(Kind::Struct(fields)).named(name).version(2)
    }
}
