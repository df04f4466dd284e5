//! The schemas that records were written with, each once: `schemas.jsonl`.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};
use walcast::local::SchemaRegistry;

use crate::Outcome;

/// What Kafka Connect's `JsonConverter` puts around schema and payload.
const SCHEMA: &str = "{\"schema\":";
const PAYLOAD: &str = ",\"payload\":";
const END: &str = "}";
/// How the schema of a structure begins, and what comes before its name where it is a field.
const FIELDS: &str = "{\"type\":\"struct\",\"fields\":[";
const FIELD: &str = ",\"field\":";
/// First byte of Confluent's framing; four bytes of schema id follow.
const MAGIC: u8 = 0;
const FRAME_BYTES: usize = 5;

/// How a connector's records look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text.
    Plain,
    /// Text with its schema.
    WithSchema,
    /// Avro in Confluent's framing.
    Avro,
}

impl Form {
    /// By the value's converter.
    pub(crate) fn of(converter: Option<&str>, enables_schemas: Option<&str>) -> Self {
        match (converter, enables_schemas) {
            (Some(name), _) if name.ends_with("AvroConverter") => Self::Avro,
            (_, Some("true")) => Self::WithSchema,
            _ => Self::Plain,
        }
    }
}

/// The schemas of one recording.
pub(crate) struct Schemas<'r> {
    form: Form,
    registry: &'r dyn SchemaRegistry,
    texts: BTreeMap<u32, String>,
    ids: BTreeMap<String, u32>,
}

impl<'r> Schemas<'r> {
    pub(crate) fn new(form: Form, registry: &'r dyn SchemaRegistry) -> Self {
        Self { form, registry, texts: BTreeMap::new(), ids: BTreeMap::new() }
    }

    /// A key or value as it stands in the file, its schema told by id.
    pub(crate) fn part(&mut self, bytes: Option<&[u8]>) -> Outcome<Value> {
        let Some(bytes) = bytes else { return Ok(Value::Null) };
        match self.form {
            Form::Plain => Ok(json!(std::str::from_utf8(bytes)?)),
            Form::WithSchema => self.split(std::str::from_utf8(bytes)?),
            Form::Avro => self.framed(bytes),
        }
    }

    fn split(&mut self, text: &str) -> Outcome<Value> {
        let rest = text.strip_prefix(SCHEMA).ok_or("a record without schema")?;
        let mut nodes = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        nodes.next().ok_or("no schema")??;
        let (schema, rest) = rest.split_at(nodes.byte_offset());
        let payload = rest.strip_prefix(PAYLOAD).and_then(|rest| rest.strip_suffix(END)).ok_or("no payload")?;
        let id = self.shortened(schema)?;
        Ok(json!({"schema": id, "payload": payload}))
    }

    /// Keeps a schema whose structures are schemas of their own in the file, since an envelope has the row twice and
    /// all envelopes have the rest.
    fn shortened(&mut self, schema: &str) -> Outcome<u32> {
        // A table without columns has nothing to tell once.
        let Some(mut rest) = schema.strip_prefix(FIELDS).filter(|rest| !rest.starts_with(']')) else {
            return self.keep(schema.to_owned());
        };
        let mut short = FIELDS.to_owned();
        loop {
            let mut nodes = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            nodes.next().ok_or("a structure without fields")??;
            let (node, after) = rest.split_at(nodes.byte_offset());
            match node.rsplit_once(FIELD).filter(|_| node.starts_with(FIELDS)) {
                Some((structure, name)) => {
                    let id = self.keep(format!("{structure}{END}"))?;
                    short.push_str(&format!("{{\"@\":{id}{FIELD}{name}"));
                }
                None => short.push_str(node),
            }
            let Some(next) = after.strip_prefix(',') else {
                short.push_str(after);
                return self.keep(short);
            };
            short.push(',');
            rest = next;
        }
    }

    fn keep(&mut self, text: String) -> Outcome<u32> {
        let next = u32::try_from(self.ids.len())? + 1;
        let id = *self.ids.entry(text.clone()).or_insert(next);
        self.texts.insert(id, text);
        Ok(id)
    }

    fn framed(&mut self, bytes: &[u8]) -> Outcome<Value> {
        let (head, _) = bytes.split_at_checked(FRAME_BYTES).ok_or("a record shorter than its frame")?;
        let (magic, id) = head.split_first().ok_or("an empty frame")?;
        if *magic != MAGIC {
            return Err("a record that is not framed as Confluent's".into());
        }
        let id = u32::from_be_bytes(id.try_into()?);
        if let std::collections::btree_map::Entry::Vacant(entry) = self.texts.entry(id) {
            entry.insert(self.registry.schema(id).map_err(|error| error.report())?);
        }
        Ok(json!({"hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()}))
    }

    /// The lines of the file; the schema's own text stands in them unchanged.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.texts.iter().map(|(id, text)| format!("{{\"id\":{id},\"schema\":{text}}}")).collect()
    }
}
