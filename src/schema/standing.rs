//! The schemas of records that belong to no table: transactions, logical decoding messages, heartbeats.
//!
//! Source: Debezium's `SchemaFactory` and `PostgresSchemaFactory`.

use super::column::binary;
use super::envelope::{optional, required, source, transaction};
use super::{Conversion, Field, Kind, Schema};
use crate::config::BinaryHandling;

/// Name and value of a schema that is the same for all connectors.
fn structure(name: &'static str, fields: Vec<Field>) -> Schema {
    Schema::semantic(Kind::Struct(fields), name)
}

/// Key of a transaction's records.
#[must_use]
pub fn transaction_key() -> Schema {
    structure("io.debezium.connector.common.TransactionMetadataKey", vec![Field::new("id", required(Kind::String))])
}

/// Value of a transaction's records.
#[must_use]
pub fn transaction_value() -> Schema {
    let collection =
        vec![Field::new("data_collection", required(Kind::String)), Field::new("event_count", required(Kind::Int64))];
    let collection = structure("event.collection", collection).optional();
    let fields = vec![
        Field::new("status", required(Kind::String)),
        Field::new("id", required(Kind::String)),
        Field::new("event_count", optional(Kind::Int64)),
        Field::new("data_collections", optional(Kind::Array(collection.into()))),
        Field::new("ts_ms", required(Kind::Int64)),
    ];
    structure("io.debezium.connector.common.TransactionMetadataValue", fields)
}

/// Key of a logical decoding message.
#[must_use]
pub fn message_key() -> Schema {
    structure("io.debezium.connector.postgresql.MessageKey", vec![Field::new("prefix", optional(Kind::String))])
}

/// Value of a logical decoding message, and how its content gets there.
#[must_use]
pub fn message_value(mode: BinaryHandling) -> (Schema, Conversion) {
    let (content, conversion) = binary(mode);
    let message = structure(
        "io.debezium.connector.postgresql.Message",
        vec![Field::new("prefix", optional(Kind::String)), Field::new("content", content.optional())],
    );
    let fields = vec![
        Field::new("op", required(Kind::String)),
        Field::new("ts_ms", optional(Kind::Int64)),
        Field::new("source", source()),
        Field::new("transaction", transaction()),
        Field::new("message", message),
    ];
    (structure("io.debezium.connector.postgresql.MessageValue", fields), conversion)
}

/// Key of a notification.
#[must_use]
pub fn notification_key() -> Schema {
    structure("io.debezium.connector.common.NotificationKey", vec![Field::new("id", required(Kind::String))]).version(1)
}

/// Value of a notification.
#[must_use]
pub fn notification_value() -> Schema {
    let (keys, values) = (Schema::of(Kind::String).into(), Schema::of(Kind::String).into());
    let fields = vec![
        Field::new("id", required(Kind::String)),
        Field::new("type", required(Kind::String)),
        Field::new("aggregate_type", required(Kind::String)),
        Field::new("additional_data", optional(Kind::Map { keys, values })),
        Field::new("timestamp", required(Kind::Int64)),
    ];
    structure("io.debezium.connector.common.Notification", fields).version(1)
}

/// Key of a heartbeat.
#[must_use]
pub fn heartbeat_key() -> Schema {
    structure("io.debezium.connector.common.ServerNameKey", vec![Field::new("serverName", required(Kind::String))])
}

/// Value of a heartbeat.
#[must_use]
pub fn heartbeat_value() -> Schema {
    structure("io.debezium.connector.common.Heartbeat", vec![Field::new("ts_ms", required(Kind::Int64))])
}
