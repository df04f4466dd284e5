//! What the public contract consists of.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use walcast::config::BinaryHandling;
use walcast::encode::avro_schema;
use walcast::schema::{Envelope, Kind, Schema, standing, version_key, version_value};

mod configuration;
mod json_schema;

/// A file of `schemas/`.
pub(crate) struct File {
    /// Below that folder.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// `schemas/` of this source tree.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// A part of records that the contract describes.
struct Part {
    /// Name of its files.
    name: &'static str,
    title: &'static str,
    schema: Schema,
}

/// The parts of records whose schema is the same for all tables, and the envelope, in which `before` and `after` stand for
/// any row.
fn parts() -> Vec<Part> {
    let envelope = Envelope::default();
    let row = Arc::new(Schema::of(Kind::Struct(Vec::new())).named("Value").optional());
    let part = |name, title, schema| Part { name, title, schema };
    let of_envelope = |field: &str| {
        let found = envelope.metadata().iter().find(|found| found.name == field);
        Schema::clone(&found.expect("a field of the envelope").schema)
    };
    vec![
        part(
            "envelope",
            "The value of a change; before and after hold a row of the table",
            envelope.around(&row, "Envelope".to_owned()),
        ),
        part("source", "Where a change comes from", of_envelope("source")),
        part("transaction-block", "The transaction that a change belongs to", of_envelope("transaction")),
        part("transaction-key", "The key of a transaction's begin and end", standing::transaction_key()),
        part("transaction-value", "The begin or the end of a transaction", standing::transaction_value()),
        part("heartbeat-key", "The key of a heartbeat", standing::heartbeat_key()),
        part("heartbeat-value", "A heartbeat", standing::heartbeat_value()),
        part("message-key", "The key of a logical decoding message", standing::message_key()),
        part("message-value", "A logical decoding message", standing::message_value(BinaryHandling::Bytes).0),
        part("schema-history-key", "The key of a table's version in the schema history", version_key()),
        part("schema-history-value", "A table's version in the schema history", version_value()),
    ]
}

/// Every file, in the order of their names.
pub(crate) fn files() -> Vec<File> {
    let mut files = vec![File { path: "configuration.schema.json".to_owned(), text: pretty(&configuration::schema()) }];
    for Part { name, title, schema } in parts() {
        let text = pretty(&json_schema::document(name, title, &schema));
        files.push(File { path: format!("json/{name}.schema.json"), text });
        // What may be null is a union in Avro, and the part itself is what the contract is about.
        let avro = avro_schema(&Schema { optional: false, ..schema });
        let avro: Value = serde_json::from_str(&avro).expect("JSON");
        files.push(File { path: format!("avro/{name}.avsc"), text: pretty(&avro) });
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("JSON");
    text.push('\n');
    text
}
