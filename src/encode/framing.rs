//! What stands around the payload of a record: nothing, its schema, or the number under which its schema is
//! registered.

use std::fmt;

use super::avro;
use super::format::AnyFormat;
use super::json;
use crate::config::{JsonSchemas, SubjectNames};
use crate::schema::Schema;

/// Gives the numbers of schemas. Asked when a relation version is planned; must answer from memory.
pub trait SchemaIds: fmt::Debug + Send + Sync {
    /// The number of a schema that was registered under a subject; `None` where it was not.
    fn id(&self, subject: &str, schema: &str) -> Option<u32>;
}

/// A schema that must be registered before records of its table can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaText {
    /// Whether keys or values are written under it.
    pub side: Side,
    /// What it is registered under, as the converter's strategy for names has it.
    pub subject: String,
    /// The Avro schema, as Confluent's `AvroData` writes it.
    pub text: String,
}

/// Which part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// What stands before and behind a payload.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) head: Vec<u8>,
    pub(super) tail: &'static [u8],
}

/// The subject of a topic's keys or values.
fn subject(names: SubjectNames, topic: &str, side: Side, schema: &Schema) -> String {
    match (names, side) {
        (SubjectNames::Topic, Side::Key) => format!("{topic}-key"),
        (SubjectNames::Topic, Side::Value) => format!("{topic}-value"),
        (SubjectNames::TopicAlone, _) => topic.to_owned(),
        (SubjectNames::Record, _) => avro::record_name(schema),
        (SubjectNames::TopicRecord, _) => format!("{topic}-{}", avro::record_name(schema)),
    }
}

impl AnyFormat {
    /// The frame of payloads of a schema; `None` where the schema has to be registered and is not.
    pub(super) fn frame(self, topic: &str, side: Side, schema: &Schema, ids: Option<&dyn SchemaIds>) -> Option<Frame> {
        match self {
            Self::Json(_, JsonSchemas::Absent) | Self::Java(_) => Some(Frame::default()),
            Self::Json(format, JsonSchemas::InEachRecord) => {
                let mut head = b"{\"schema\":".to_vec();
                json::append_schema(&mut head, schema, format);
                head.extend_from_slice(b",\"payload\":");
                Some(Frame { head, tail: b"}" })
            }
            Self::Avro(_) => {
                let text = self.schema_text(topic, side, schema)?;
                let id = ids?.id(&text.subject, &text.text)?;
                Some(Frame { head: avro::header(id).to_vec(), tail: b"" })
            }
        }
    }

    /// What has to be registered for a schema; nothing where the format knows no registry.
    pub(super) fn schema_text(self, topic: &str, side: Side, schema: &Schema) -> Option<SchemaText> {
        match self {
            Self::Json(..) | Self::Java(_) => None,
            Self::Avro(avro) => Some(SchemaText {
                side,
                subject: subject(avro.subjects, topic, side, schema),
                text: avro::schema_text(schema, avro.metadata),
            }),
        }
    }
}
