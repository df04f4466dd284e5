//! Connect schemas as JSON Schemas of what `JsonConverter` writes without schemas.

use serde_json::{Map, Value, json};
use walcast::schema::{Kind, Literal, Schema};

/// Where the contract's documents are named after; nothing is fetched from there.
const BASE: &str = "urn:walcast:schema:";

/// A document of its own.
pub(super) fn document(name: &str, title: &str, schema: &Schema) -> Value {
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("$id".to_owned(), json!(format!("{BASE}{name}")));
    document.insert("title".to_owned(), json!(title));
    document.extend(of(&Schema { optional: false, ..schema.clone() }));
    Value::Object(document)
}

fn of(schema: &Schema) -> Map<String, Value> {
    let mut members = Map::new();
    let (kind, rest) = kind(&schema.kind);
    members.insert("type".to_owned(), if schema.optional { json!([kind, "null"]) } else { json!(kind) });
    if let Some(name) = &schema.name {
        members.insert("$comment".to_owned(), json!(name));
    }
    if let Some(doc) = &schema.doc {
        members.insert("description".to_owned(), json!(doc));
    }
    members.extend(rest);
    if let Some((_, allowed)) = schema.parameters.iter().find(|(name, _)| name == "allowed") {
        let words = allowed.split(',').map(Value::from);
        members.insert("enum".to_owned(), words.chain(schema.optional.then_some(Value::Null)).collect());
    }
    if let Some(Literal::String(default)) = &schema.default {
        members.insert("default".to_owned(), json!(default));
    }
    members
}

fn kind(kind: &Kind) -> (&'static str, Map<String, Value>) {
    let integer = |min: i64, max: i64| ("integer", json!({"minimum": min, "maximum": max}));
    let (name, rest) = match kind {
        Kind::Boolean => ("boolean", json!({})),
        Kind::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
        Kind::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
        Kind::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => integer(i64::MIN, i64::MAX),
        Kind::Float32 | Kind::Float64 => ("number", json!({})),
        Kind::Bytes => ("string", json!({"contentEncoding": "base64"})),
        Kind::String => ("string", json!({})),
        Kind::Array(items) => ("array", json!({"items": of(items)})),
        Kind::Map { values, .. } => ("object", json!({"additionalProperties": of(values)})),
        // A row: its fields are the table's.
        Kind::Struct(fields) if fields.is_empty() => ("object", json!({})),
        Kind::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_ref()).collect();
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.to_string(), Value::Object(of(&field.schema)))).collect();
            ("object", json!({"properties": properties, "required": names, "additionalProperties": false}))
        }
    };
    match rest {
        Value::Object(rest) => (name, rest),
        _ => (name, Map::new()),
    }
}
