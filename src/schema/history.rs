//! The schemas of the schema history's records, as [`crate::schema`] would describe them: part of the public contract.
//!
//! The records themselves are JSON of the `history` room, which knows no schema. The contract's tests hold the one against
//! the other.

use super::{Field, Kind, Schema};

fn text() -> Schema {
    Schema::of(Kind::String)
}

fn list(of: Kind) -> Schema {
    Schema::of(Kind::Array(Schema::of(of).into()))
}

fn version(fields: Vec<Field>, name: &'static str) -> Schema {
    Schema::semantic(Kind::Struct(fields), name)
}

/// Key of a version: which one it is.
#[must_use]
pub fn version_key() -> Schema {
    let fields = vec![
        Field::new("schema", text()),
        Field::new("table", text()),
        Field::new("number", Schema::of(Kind::Int64).documented("Counts from 1 for each name of a table")),
    ];
    version(fields, "walcast.schema.history.Key")
}

/// Value of a version: what the table looked like.
#[must_use]
pub fn version_value() -> Schema {
    let column = vec![
        Field::new("name", text()),
        Field::new("type", text().documented("A built-in type by its name, any other with its schema before it")),
        Field::new("modifiers", list(Kind::Int32).documented("Length, precision, or precision and scale")),
        Field::new(
            "made_of",
            list(Kind::String).documented("What a domain or an array is made of, outermost first, with modifiers"),
        ),
        Field::new("labels", list(Kind::String).documented("Labels of an enum, in order")),
        Field::new("optional", Schema::of(Kind::Boolean).documented("Whether it may be null")),
        Field::new("default", text().optional().documented("Its literal default as text of its type")),
        Field::new("identity", Schema::of(Kind::Boolean).documented("Whether it is part of the replica identity")),
    ];
    let column = version(column, "walcast.schema.history.Column");
    let fields = vec![
        Field::new("number", Schema::of(Kind::Int64).documented("The number that walcast.schema_version shows")),
        Field::new(
            "fingerprint",
            text().documented(
                "SHA-256 of the JSON object of the members from schema to replica_identity, without blanks",
            ),
        ),
        Field::new("position", text().documented("Where it was first used: commit LSN, colon, ordinal of the change")),
        Field::new("ts_us", Schema::of(Kind::Int64).documented("When that transaction was committed, in microseconds")),
        Field::new("schema", text()),
        Field::new("table", text()),
        Field::new("columns", Schema::of(Kind::Array(column.into()))),
        Field::new("key", list(Kind::String).documented("Columns of the record key, in key order")),
        Field::new("replica_identity", text().documented("default, nothing, full or index")),
    ];
    version(fields, "walcast.schema.history.Value")
}
