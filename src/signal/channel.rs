//! The channels that signals come through: a row, a record, a line.
//!
//! Owns how each of them carries id, type and data; reading tables, topics and files is not done here.

use serde_json::{Map, Value};

use super::{Heard, Refused, parse};

/// A row that was inserted into `signal.data.collection`: id, type and data by position, whatever the columns are called.
///
/// Source: Debezium's `SourceSignalChannel`.
#[must_use]
pub fn row(columns: &[Option<&str>]) -> Heard {
    let &[id, kind, data] = columns else {
        return Refused::heard("", format!("the row has {} columns; id, type and data are expected", columns.len()));
    };
    let id = id.unwrap_or_default();
    match kind {
        Some(kind) => parse(id, kind, data),
        None => Refused::heard(id, "its type is null"),
    }
}

/// A record of `signal.kafka.topic`: its key names the connector, its value is the signal. One without id is called after
/// its offset.
///
/// Source: Debezium's `KafkaSignalChannel`.
#[must_use]
pub fn record(key: Option<&[u8]>, value: Option<&[u8]>, offset: i64, topic_prefix: &str) -> Heard {
    if key != Some(topic_prefix.as_bytes()) {
        return Heard::ForAnother;
    }
    let unnamed = format!("offset-{offset}");
    match value.map(std::str::from_utf8) {
        Some(Ok(value)) => document(value, &unnamed),
        Some(Err(_)) => Refused::heard(&unnamed, "it is no text in UTF-8"),
        None => Refused::heard(&unnamed, "it has no value"),
    }
}

/// A line of `signal.file`. One without id is called after its number, counted from 1; nothing for an empty line.
///
/// Source: Debezium's `FileSignalChannel`.
#[must_use]
pub fn line(line: &str, number: usize) -> Option<Heard> {
    let line = line.trim();
    (!line.is_empty()).then(|| document(line, &format!("line-{number}")))
}

/// `{"id"?, "type", "data"}`, with the data as an object or as the text of one.
fn document(text: &str, unnamed: &str) -> Heard {
    let fields: Map<String, Value> = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        _ => return Refused::heard(unnamed, "it is no JSON object"),
    };
    let id = match fields.get("id") {
        Some(Value::String(id)) => id.as_str(),
        None | Some(Value::Null) => unnamed,
        Some(_) => return Refused::heard(unnamed, "its id is no text"),
    };
    let Some(Value::String(kind)) = fields.get("type") else { return Refused::heard(id, "it has no type") };
    match fields.get("data") {
        None | Some(Value::Null) => parse(id, kind, None),
        Some(Value::String(data)) => parse(id, kind, Some(data)),
        Some(data) => parse(id, kind, Some(&data.to_string())),
    }
}
