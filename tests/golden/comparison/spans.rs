//! Where in the bytes of a record its fields stand: in JSON, in JSON with its schema, in Avro, and in what Java prints.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// First byte of Confluent's framing; the schema's number follows in four.
const MAGIC: u8 = 0;
const FRAME_BYTES: usize = 5;
/// What records about rows and messages have, those about transactions, and notifications.
const OPERATION: &str = "op";
const STATUS: &str = "status";
const AGGREGATE: &str = "aggregate_type";
/// How a struct begins that Java prints.
const STRUCT: &[u8] = b"Struct{";

/// The schemas of Avro records by the numbers in their frames.
#[derive(Debug, Default)]
pub(crate) struct AvroSchemas(BTreeMap<u32, Value>);

impl AvroSchemas {
    /// Keeps a schema's text.
    ///
    /// # Panics
    /// Where it is no JSON.
    pub(crate) fn add(&mut self, id: u32, text: &str) {
        self.0.insert(id, serde_json::from_str(text).expect("a schema is JSON"));
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0.contains_key(&id)
    }
}

/// The number of a record's schema, where it is framed.
pub(crate) fn schema_id(bytes: &[u8]) -> Option<u32> {
    let (MAGIC, id) = bytes.split_first().map(|(magic, rest)| (*magic, rest))? else { return None };
    Some(u32::from_be_bytes(*id.first_chunk()?))
}

/// The fields that the value of a record has, the upper levels of them; what is not understood has none.
pub(super) fn of(bytes: &[u8], schemas: &AvroSchemas) -> Fields {
    let found = match schema_id(bytes) {
        Some(id) => schemas.0.get(&id).and_then(|schema| avro(bytes, schema)),
        None if bytes.starts_with(STRUCT) => std::str::from_utf8(bytes).ok().and_then(java),
        None => std::str::from_utf8(bytes).ok().and_then(json),
    };
    let is_known = |found: &Fields| [OPERATION, STATUS, AGGREGATE].iter().any(|field| found.contains_key(*field));
    found.filter(is_known).unwrap_or_default()
}

/// Ranges by path.
pub(super) type Fields = BTreeMap<String, Range<usize>>;

fn json(text: &str) -> Option<Fields> {
    let mut found = members(text, 0)?;
    if let (Some(_), Some(payload)) = (found.get("schema"), found.get("payload").cloned()) {
        found = members(text, payload.start).unwrap_or_default();
    }
    for outer in ["source", "after"] {
        if let Some(range) = found.get(outer).cloned() {
            let inner = members(text, range.start).unwrap_or_default();
            found.extend(inner.into_iter().map(|(name, range)| (format!("{outer}.{name}"), range)));
        }
    }
    Some(found)
}

/// Nothing is escaped in what Java prints, so only what stands behind all columns can be told.
fn java(text: &str) -> Option<Fields> {
    let member = |opening: &str, closing: char| {
        let start = text.rfind(opening)? + opening.len();
        Some(start..start + text.get(start..)?.find(closing)?)
    };
    let found = [
        ("source.version", member("source=Struct{version=", ',')?),
        (OPERATION, member(",op=", ',')?),
        ("ts_ms", member(",ts_ms=", ',')?),
        ("ts_us", member(",ts_us=", ',')?),
        ("ts_ns", member(",ts_ns=", '}')?),
    ];
    Some(found.into_iter().map(|(name, range)| (name.to_owned(), range)).collect())
}

/// The members of the object that begins at a position.
fn members(text: &str, start: usize) -> Option<Fields> {
    let mut at = start;
    let mut found = Fields::new();
    if text.as_bytes().get(at) != Some(&b'{') {
        return None;
    }
    while text.as_bytes().get(at).is_some_and(|byte| *byte != b'}') {
        let name = next(text, at + 1)?;
        let value = next(text, name.end + 1)?;
        at = value.end;
        found.insert(text.get(name.start + 1..name.end - 1).unwrap_or_default().to_owned(), value);
    }
    Some(found)
}

/// The JSON value that begins at a position.
fn next(text: &str, start: usize) -> Option<Range<usize>> {
    let mut values = Deserializer::from_str(text.get(start..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(start..start + values.byte_offset())
}

fn avro(bytes: &[u8], schema: &Value) -> Option<Fields> {
    let mut named = BTreeMap::new();
    name_records(schema, "", &mut named);
    let mut walk = Walk { bytes, at: FRAME_BYTES, named, path: Vec::new(), found: Fields::new() };
    walk.pass(schema, "")?;
    (walk.at == bytes.len()).then_some(walk.found)
}

/// Finds the records of a schema by their full names, since the first use of a name may lie in a branch not taken.
fn name_records<'a>(schema: &'a Value, namespace: &str, named: &mut BTreeMap<String, &'a Value>) {
    match schema {
        Value::Array(branches) => branches.iter().for_each(|branch| name_records(branch, namespace, named)),
        Value::Object(members) => {
            let namespace = members.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
            if let (Some("record"), Some(name)) = (schema["type"].as_str(), schema["name"].as_str()) {
                named.insert(full_name(name, namespace), schema);
            }
            members.values().for_each(|member| name_records(member, namespace, named));
        }
        _ => {}
    }
}

/// A walk over a datum, along its schema.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    named: BTreeMap<String, &'a Value>,
    path: Vec<&'a str>,
    found: Fields,
}

impl<'a> Walk<'a> {
    fn pass(&mut self, schema: &'a Value, namespace: &str) -> Option<()> {
        match schema {
            Value::String(name) => self.pass_type(name, namespace),
            Value::Array(branches) => {
                let branch = usize::try_from(self.long()?).ok()?;
                self.pass(branches.get(branch)?, namespace)
            }
            _ => match schema["type"].as_str() {
                Some("record") => self.pass_record(schema, namespace),
                Some("array") => self.pass_blocks(&schema["items"], namespace, false),
                Some("map") => self.pass_blocks(&schema["values"], namespace, true),
                Some(name) => self.pass_type(name, namespace),
                None => self.pass(&schema["type"], namespace),
            },
        }
    }

    fn pass_type(&mut self, name: &str, namespace: &str) -> Option<()> {
        match name {
            "null" => Some(()),
            "boolean" => self.skip(1),
            "int" | "long" => self.long().map(|_| ()),
            "float" => self.skip(4),
            "double" => self.skip(8),
            "bytes" | "string" => {
                let length = usize::try_from(self.long()?).ok()?;
                self.skip(length)
            }
            _ => {
                let schema = *self.named.get(&full_name(name, namespace))?;
                self.pass_record(schema, namespace)
            }
        }
    }

    fn pass_record(&mut self, schema: &'a Value, namespace: &str) -> Option<()> {
        let namespace = schema["namespace"].as_str().unwrap_or(namespace);
        for field in schema["fields"].as_array()? {
            self.path.push(field["name"].as_str()?);
            let start = self.at;
            self.pass(&field["type"], namespace)?;
            self.found.entry(self.path.join(".")).or_insert(start..self.at);
            self.path.pop();
        }
        Some(())
    }

    fn pass_blocks(&mut self, element: &'a Value, namespace: &str, has_keys: bool) -> Option<()> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Some(());
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                if has_keys {
                    self.pass_type("string", namespace)?;
                }
                self.pass(element, namespace)?;
            }
        }
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    /// A number in zigzag coding.
    fn long(&mut self) -> Option<i64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}
