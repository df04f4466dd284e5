//! What stands around the payload of a record: nothing, its schema, or the number under which its schema is
//! registered.
//!
//! Invariant: a schema is asked to be registered when the first record lies in the buffers that is written under it, as
//! Debezium's converters do, and no record leaves the encoder without its number.

use std::fmt;

use super::avro;
use super::format::AnyFormat;
use super::json;
use super::{Encoder, Origin};
use crate::config::{JsonSchemas, SubjectNames};
use crate::schema::Schema;

/// Gives the numbers of schemas. Asked when a relation version is planned, and again once its schemas are registered;
/// must answer from memory.
pub trait SchemaIds: fmt::Debug + Send + Sync {
    /// The number of a schema that was registered under a subject; `None` where it was not.
    fn id(&self, subject: &str, schema: &str) -> Option<u32>;
}

/// A schema that must be registered before records can be written under it.
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
    /// The schema whose number the head still lacks.
    unregistered: Option<SchemaText>,
}

impl Frame {
    /// Whether nothing has to be registered before the frame can be used.
    #[inline]
    pub(super) const fn is_registered(&self) -> bool {
        self.unregistered.is_none()
    }

    fn find_number(&mut self, ids: &dyn SchemaIds) {
        let number = self.unregistered.as_ref().and_then(|schema| ids.id(&schema.subject, &schema.text));
        if let Some(number) = number {
            self.head = avro::header(number).to_vec();
            self.unregistered = None;
        }
    }
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
    /// The frame of payloads of a schema.
    pub(super) fn frame(self, topic: &str, side: Side, schema: &Schema, ids: Option<&dyn SchemaIds>) -> Frame {
        match self {
            Self::Json(_, JsonSchemas::Absent) | Self::Java(_) => Frame::default(),
            Self::Json(format, JsonSchemas::InEachRecord) => {
                let mut head = b"{\"schema\":".to_vec();
                json::append_schema(&mut head, schema, format);
                head.extend_from_slice(b",\"payload\":");
                Frame { head, tail: b"}", unregistered: None }
            }
            Self::Avro(avro) => {
                let schema = SchemaText {
                    side,
                    subject: subject(avro.subjects, topic, side, schema),
                    text: avro::schema_text(schema, avro.metadata),
                };
                // The number takes the place of these zeros.
                let mut frame = Frame { head: avro::header(0).to_vec(), tail: b"", unregistered: Some(schema) };
                if let Some(ids) = ids {
                    frame.find_number(ids);
                }
                frame
            }
        }
    }
}

impl Encoder {
    /// Whether the last records lack the number of a schema. Until they have it, [`Encoder::record`] does not give them.
    #[inline]
    #[must_use]
    pub const fn lacks_numbers(&self) -> bool {
        self.encoded.lacks_numbers
    }

    /// What has to be registered before the last records can be taken, key first.
    #[must_use]
    pub fn unregistered(&self) -> Vec<SchemaText> {
        let (key, value) = match self.encoded.origin {
            Origin::Table => {
                let plan = self.plans.get(self.encoded.plan);
                (plan.and_then(|plan| Some(&plan.key.as_ref()?.frame)), plan.map(|plan| &plan.value.frame))
            }
            Origin::Standing(kind) => self.standing.frames(kind).map(|frames| (&frames.key, &frames.value)).unzip(),
            Origin::DeadLetter => (None, None),
        };
        key.into_iter().chain(value).filter_map(|frame| frame.unregistered.clone()).collect()
    }

    /// Writes numbers that have become known into the last records, and keeps them for those that follow.
    pub fn take_numbers(&mut self) {
        let Some(ids) = self.schema_ids.as_deref() else { return };
        let encoded = &mut self.encoded;
        let (mut key, mut value) = match encoded.origin {
            Origin::Table => match self.plans.get_mut(encoded.plan) {
                Some(plan) => (plan.key.as_mut().map(|key| &mut key.frame), Some(&mut plan.value.frame)),
                None => (None, None),
            },
            Origin::Standing(kind) => {
                self.standing.frames_mut(kind).map(|frames| (&mut frames.key, &mut frames.value)).unzip()
            }
            Origin::DeadLetter => (None, None),
        };
        for frame in key.iter_mut().chain(&mut value) {
            frame.find_number(ids);
        }
        for record in &encoded.records {
            let parts = [(&key, &record.key, &mut encoded.keys), (&value, &record.value, &mut encoded.values)];
            for (frame, range, bytes) in parts {
                let (Some(frame), Some(range)) = (frame, range) else { continue };
                let head = bytes.get_mut(range.start..range.start + frame.head.len());
                if let Some(head) = head {
                    head.copy_from_slice(&frame.head);
                }
            }
        }
        encoded.lacks_numbers = [key, value].into_iter().flatten().any(|frame| !frame.is_registered());
    }
}
