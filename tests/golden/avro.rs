//! Golden records in Avro, read back by a library that walcast does not write with.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::comparison::known::{ARRAY_ADDRESS, OBJECT_ADDRESS};
use super::comparison::{Recorded, schema_id};
use super::recording::{self, Recording};

/// Magic byte and schema id before a datum.
const FRAME_BYTES: usize = 5;
/// Records of one major version that are read.
const RECORDS_MIN: usize = 2_600;
/// What the block `source` says of where a snapshot was taken.
const SNAPSHOT_PLACE: [&str; 6] = ["ts_ms", "ts_us", "ts_ns", "txId", "lsn", "sequence"];
/// The variants in Avro, each with one that has the same handling modes in JSON where there is one: texts that are cut in
/// the middle of a character are not the same in both.
const COUNTERPARTS: &[(&str, &[&str])] = &[
    ("avro", &["schemas", "default"]),
    ("avro-strings", &["strings"]),
    ("avro-bare", &[]),
    ("avro-transaction-metadata", &["transaction-metadata"]),
    ("hidden-avro", &[]),
];

/// Whether the records of a recording are Avro.
pub(super) fn is_avro(recording: &Recording) -> bool {
    COUNTERPARTS.iter().any(|(avro, _)| *avro == recording.variant)
}

/// Given a record in Avro, when `apache-avro` reads it, then it says what the same record says in JSON. That walcast
/// writes these very bytes is the matter of the comparison.
fn every_datum_equals_its_json(major: u16) {
    let mut count = 0;
    Recording::each_variant(major, |recording| {
        let Some((_, counterparts)) = COUNTERPARTS.iter().find(|(avro, _)| *avro == recording.variant) else { return };
        if counterparts.is_empty() {
            return;
        }
        let recorded = recording::variants(&recording.scenario);
        let counterpart = counterparts.iter().find(|name| recorded.iter().any(|known| known == *name)).unwrap();
        let json = Recording::of(major, &recording.scenario, counterpart);
        assert_eq!(recording.records.len(), json.records.len(), "{} topics", recording.scenario);
        let mut schemas = Schemas::default();
        for ((topic, avro), json) in recording.records.iter().zip(json.records.values()) {
            assert_eq!(avro.len(), json.len(), "{topic}");
            for (avro, json) in avro.iter().zip(json) {
                schemas.assert_same(recording, topic, avro, json);
                count += 1;
            }
        }
    });

    assert!(count >= RECORDS_MIN, "only {count} records are read");
}

#[test]
fn avro_of_postgresql_15_reads_as_the_json_does() {
    every_datum_equals_its_json(15);
}

#[test]
fn avro_of_postgresql_18_reads_as_the_json_does() {
    every_datum_equals_its_json(18);
}

/// The block `source` of a record, by name.
pub(super) fn source(recording: &Recording, value: &[u8]) -> HashMap<String, Avro> {
    let mut record = Schemas::default().read(recording, value);
    match field(&mut record, "source") {
        Some(Avro::Record(fields)) => std::mem::take(fields).into_iter().collect(),
        _ => HashMap::new(),
    }
}

/// What stands in a value, whether it may be null or not.
pub(super) fn held(value: Option<&Avro>) -> Json {
    match value {
        Some(Avro::Union(_, value)) => held(Some(value)),
        Some(Avro::String(text)) => Json::from(text.as_str()),
        Some(Avro::Long(number)) => Json::from(*number),
        _ => Json::Null,
    }
}

/// Schemas that were parsed, by id.
#[derive(Default)]
struct Schemas(HashMap<u64, Schema>);

impl Schemas {
    fn assert_same(&mut self, recording: &Recording, topic: &str, avro: &Recorded, json: &Recorded) {
        for (part, avro, json) in [("key", &avro.key, &json.key), ("value", &avro.value, &json.value)] {
            let avro = avro.as_ref().map(|bytes| self.read(recording, bytes));
            let json = json.as_ref().map(|bytes| payload(bytes).unwrap());
            let is_same = match (&avro, &json) {
                (None, None) => true,
                // Some notifications have an id that is a new one each time.
                (Some(_), Some(_)) if part == "key" && topic.ends_with(".notifications") => true,
                (Some(avro), Some(json)) => is_same_record(avro, json),
                _ => false,
            };
            assert!(is_same, "{} {topic} {part}:\n{avro:?}\n{json:?}", recording.server);
        }
    }

    fn read(&mut self, recording: &Recording, bytes: &[u8]) -> Avro {
        let id = u64::from(schema_id(bytes).unwrap());
        let schema = self.0.entry(id).or_insert_with(|| {
            let mut schema: Json = serde_json::from_str(&recording.schemas[&id]).unwrap();
            leave_layout(&mut schema);
            Schema::parse(&schema).unwrap()
        });
        let mut rest = &bytes[FRAME_BYTES..];
        let datum = apache_avro::from_avro_datum(schema, &mut rest, None).unwrap();
        assert!(rest.is_empty(), "bytes behind the datum: {rest:?}");
        datum
    }
}

/// Takes out of a schema what does not change the bytes: defaults of Connect's types, which Avro has no words for, and
/// logical types, so that decimals come as bytes; and digits at the beginning of names.
fn leave_layout(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.retain(|name, _| name != "default" && name != "logicalType");
            for member in ["namespace", "type"] {
                if let Some(Json::String(name)) = members.get_mut(member) {
                    *name = legal(name);
                }
            }
            members.values_mut().for_each(leave_layout);
        }
        Json::Array(elements) => {
            for element in elements {
                match element {
                    Json::String(name) => *name = legal(name),
                    other => leave_layout(other),
                }
            }
        }
        _ => {}
    }
}

/// A full name without digits at the beginning of its parts. `AvroData` makes the first character of a whole name legal
/// only, and so lets a table's name begin with a digit, which Avro's readers do not take everywhere.
fn legal(name: &str) -> String {
    let part = |part: &str| match part.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("_{part}"),
        false => part.to_owned(),
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A JSON record without its schema.
pub(super) fn payload(bytes: &[u8]) -> Option<Json> {
    let mut json: Json = serde_json::from_slice(bytes).ok()?;
    Some(if json.get("schema").is_some_and(Json::is_object) { json["payload"].take() } else { json })
}

/// An envelope's clocks are the connector's, and its source names the connector. Among a transaction's tables a logical
/// message stands by the address of a Java object, and its place depends on the address.
fn is_same_record(avro: &Avro, json: &Json) -> bool {
    let mut json = json.clone();
    let mut avro = avro.clone();
    if json.get("op").is_some() {
        let is_snapshot = json["op"] == "r";
        for clock in ["ts_ms", "ts_us", "ts_ns"] {
            forget(&mut avro, &mut json, clock);
        }
        if let (Some(source), Some(its)) = (field(&mut avro, "source"), json.get_mut("source")) {
            forget(source, its, "name");
            if is_snapshot {
                // Each connector has a slot and a snapshot of its own.
                SNAPSHOT_PLACE.iter().for_each(|field| forget(source, its, field));
            }
        }
    }
    if json.get("aggregate_type").is_some() {
        // The connector is named in what is told more.
        ["id", "additional_data", "timestamp"].iter().for_each(|field| forget(&mut avro, &mut json, field));
    }
    if json.get("data_collections").is_some_and(|tables| tables.to_string().contains(OBJECT_ADDRESS)) {
        forget(&mut avro, &mut json, "data_collections");
    }
    is_same(&avro, &json)
}

fn field<'a>(record: &'a mut Avro, name: &str) -> Option<&'a mut Avro> {
    let Avro::Record(fields) = record else { return None };
    fields.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn forget(avro: &mut Avro, json: &mut Json, name: &str) {
    if let Some(value) = field(avro, name) {
        *value = Avro::Null;
        json[name] = Json::Null;
    }
}

/// By the rules of Kafka Connect's `JsonConverter`.
fn is_same(avro: &Avro, json: &Json) -> bool {
    match (avro, json) {
        (Avro::Union(_, avro), json) => is_same(avro, json),
        (Avro::Null, Json::Null) => true,
        (Avro::Boolean(avro), Json::Bool(json)) => avro == json,
        (Avro::Int(avro), Json::Number(json)) => json.as_i64() == Some(i64::from(*avro)),
        (Avro::Long(avro), Json::Number(json)) => json.as_i64() == Some(*avro),
        (Avro::Float(avro), Json::Number(json)) => json.to_string().parse() == Ok(*avro),
        // `serde_json` reads the last bit of some numbers otherwise than they were written.
        (Avro::Double(avro), Json::Number(json)) => {
            json.as_f64().is_some_and(|json| (json - avro).abs() <= f64::EPSILON * avro.abs())
        }
        (Avro::Float(avro), Json::String(json)) => word(f64::from(*avro)) == Some(json),
        (Avro::Double(avro), Json::String(json)) => word(*avro) == Some(json),
        (Avro::String(avro), Json::String(json)) => {
            avro == json || [avro, json].into_iter().all(|text| text.starts_with(ARRAY_ADDRESS))
        }
        (Avro::Bytes(avro), Json::String(json)) => STANDARD.encode(avro) == *json,
        (Avro::Array(avro), Json::Array(json)) => {
            avro.len() == json.len() && avro.iter().zip(json).all(|(avro, json)| is_same(avro, json))
        }
        (Avro::Map(avro), Json::Object(json)) => {
            avro.len() == json.len()
                && avro.iter().all(|(name, avro)| json.get(name).is_some_and(|json| is_same(avro, json)))
        }
        // An entry of a map whose keys are no texts.
        (Avro::Record(avro), Json::Array(json)) if avro.len() == json.len() => {
            avro.iter().zip(json).all(|((_, avro), json)| is_same(avro, json))
        }
        // Names may have been made legal for Avro; their order is the same.
        (Avro::Record(avro), Json::Object(json)) if avro.len() == json.len() => {
            avro.iter().zip(json.values()).all(|((_, avro), json)| is_same(avro, json))
        }
        // The JSON has columns besides whose types only it includes.
        (Avro::Record(avro), Json::Object(json)) => {
            avro.len() < json.len()
                && avro.iter().all(|(name, avro)| json.get(name).is_some_and(|json| is_same(avro, json)))
        }
        _ => false,
    }
}

/// What JSON has no number for.
fn word(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}
