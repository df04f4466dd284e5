//! What two Avro schemas have in common and where they differ, as far as bytes and columns go. Pure.
//!
//! Source: the Avro specification, "Parsing Canonical Form".

use std::fmt;

use serde_json::{Map, Value, json};

/// Whether what is written under one schema is, byte for byte, what would be written under the other.
pub(super) fn same_bytes(one: &str, other: &str) -> bool {
    match (serde_json::from_str(one), serde_json::from_str(other)) {
        (Ok(one), Ok(other)) => canonical(&one, None) == canonical(&other, None),
        _ => false,
    }
}

/// A schema without everything that no byte depends on.
fn canonical(schema: &Value, namespace: Option<&str>) -> Value {
    match schema {
        Value::String(name) => Value::from(full_name(name, namespace)),
        Value::Array(branches) => branches.iter().map(|branch| canonical(branch, namespace)).collect(),
        Value::Object(members) => canonical_object(members, namespace),
        other => other.clone(),
    }
}

fn canonical_object(members: &Map<String, Value>, namespace: Option<&str>) -> Value {
    let own = members.get("name").and_then(Value::as_str);
    let inside = members.get("namespace").and_then(Value::as_str).or(namespace);
    let name = own.map(|name| full_name(name, inside));
    let inside = name.as_deref().and_then(|name| name.rsplit_once('.')).map(|(namespace, _)| namespace).or(inside);
    let member = |name: &str| members.get(name).map_or(Value::Null, |schema| canonical(schema, inside));
    match members.get("type") {
        Some(Value::String(kind)) => match kind.as_str() {
            "record" => {
                let fields = members.get("fields").and_then(Value::as_array).into_iter().flatten();
                let fields: Vec<_> = fields
                    .map(|field| json!([field.get("name"), field.get("type").map(|kind| canonical(kind, inside))]))
                    .collect();
                json!({"record": name, "fields": fields})
            }
            "enum" => json!({"enum": name, "symbols": members.get("symbols")}),
            "fixed" => json!({"fixed": name, "size": members.get("size")}),
            "array" => json!({"array": member("items")}),
            "map" => json!({"map": member("values")}),
            plain => Value::from(full_name(plain, namespace)),
        },
        Some(inner) => canonical(inner, namespace),
        None => Value::Null,
    }
}

/// A name with its namespace; the names of Avro's own types have none.
fn full_name(name: &str, namespace: Option<&str>) -> String {
    const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
    match namespace {
        Some(namespace) if !name.contains('.') && !PRIMITIVES.contains(&name) => format!("{namespace}.{name}"),
        _ => name.to_owned(),
    }
}

/// What became of a column from one schema to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It is new; whether it has a default.
    Added { column: String, form: String, default: bool },
    /// It is gone.
    Removed { column: String, form: String },
    /// It is another type.
    Changed { column: String, from: String, to: String },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { column, form, default: true } => write!(f, "column \"{column}\" ({form}) was added"),
            Self::Added { column, form, default: false } => {
                write!(f, "column \"{column}\" ({form}) was added without a default")
            }
            Self::Removed { column, form } => write!(f, "column \"{column}\" ({form}) was removed"),
            Self::Changed { column, from, to } => write!(f, "column \"{column}\" was {from} and is {to}"),
        }
    }
}

/// The columns in which the schemas of two keys, or of two envelopes, differ.
pub(super) fn differences(old: &str, new: &str) -> Vec<Difference> {
    let (Ok(old), Ok(new)) = (serde_json::from_str(old), serde_json::from_str(new)) else { return Vec::new() };
    let (old, new) = (columns(&old), columns(&new));
    let mut found = Vec::new();
    for column in &new {
        match old.iter().find(|before| before.name == column.name) {
            None => found.push(Difference::Added {
                column: column.name.clone(),
                form: column.form.clone(),
                default: column.default,
            }),
            Some(before) if before.form != column.form => found.push(Difference::Changed {
                column: column.name.clone(),
                from: before.form.clone(),
                to: column.form.clone(),
            }),
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|before| new.iter().all(|column| column.name != before.name));
    found.extend(gone.map(|before| Difference::Removed { column: before.name.clone(), form: before.form.clone() }));
    found
}

struct Column {
    name: String,
    form: String,
    default: bool,
}

/// The columns of a key's schema, or of the row in an envelope's.
fn columns(schema: &Value) -> Vec<Column> {
    let fields = |schema: &Value| schema.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |field: &Value, name: &str| field.get("name").and_then(Value::as_str) == Some(name);
    let mut found = fields(schema);
    let row = found.iter().find(|field| named(field, "before")).and_then(|field| field.get("type"));
    if let Some(Value::Array(branches)) = row
        && let Some(record) = branches.iter().find(|branch| branch.get("fields").is_some())
        && found.iter().any(|field| named(field, "after"))
    {
        found = fields(record);
    }
    let column = |field: &Value| {
        Some(Column {
            name: field.get("name")?.as_str()?.to_owned(),
            form: form(field.get("type")?),
            default: field.get("default").is_some(),
        })
    };
    found.iter().filter_map(column).collect()
}

/// A type in a few words.
fn form(kind: &Value) -> String {
    match kind {
        Value::String(name) => name.clone(),
        Value::Array(branches) => {
            let not_null: Vec<String> = branches.iter().filter(|branch| *branch != "null").map(form).collect();
            let nullable = if not_null.len() < branches.len() { "nullable " } else { "" };
            format!("{nullable}{}", not_null.join(" or "))
        }
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            let base = match (text("type"), members.get("items").or(members.get("values"))) {
                (Some(kind @ ("array" | "map")), Some(inner)) => format!("{kind} of {}", form(inner)),
                (Some("record"), _) => text("name").unwrap_or("record").to_owned(),
                (Some(kind), _) => kind.to_owned(),
                (None, _) => members.get("type").map(form).unwrap_or_default(),
            };
            match text("connect.name").and_then(|name| name.rsplit('.').next()).or(text("connect.type")) {
                Some(meaning) if meaning != base => format!("{base} {meaning}"),
                _ => base,
            }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(fields: &str) -> String {
        format!(
            r#"{{"type":"record","name":"Envelope","namespace":"s.t","fields":[
                {{"name":"before","type":["null",{{"type":"record","name":"Value","fields":[{fields}]}}],"default":null}},
                {{"name":"after","type":["null","Value"],"default":null}}],"connect.name":"s.t.Envelope"}}"#
        )
    }

    #[test]
    fn only_what_bytes_depend_on_is_compared() {
        let one = envelope(r#"{"name":"id","type":"int"}"#);
        let told = envelope(r#"{"name":"id","type":{"type":"int","connect.type":"int16"},"doc":"d","default":0}"#);
        let by_full_name = one.replace(r#"["null","Value"]"#, r#"["null","s.t.Value"]"#);
        assert!(same_bytes(&one, &told) && same_bytes(&one, &by_full_name));
        for other in [
            envelope(r#"{"name":"id","type":"long"}"#),
            envelope(r#"{"name":"id","type":["null","int"]}"#),
            envelope(r#"{"name":"other","type":"int"}"#),
            envelope(r#"{"name":"id","type":"int"},{"name":"b","type":"int"}"#),
            one.replace("s.t", "s.u"),
            "no schema".to_owned(),
        ] {
            assert!(!same_bytes(&one, &other), "{other}");
        }
    }

    #[test]
    fn differences_name_the_columns() {
        let old = envelope(
            r#"{"name":"id","type":"int"},{"name":"gone","type":["null","string"],"default":null},
               {"name":"at","type":{"type":"long","connect.name":"io.debezium.time.Timestamp"}}"#,
        );
        let new = envelope(
            r#"{"name":"id","type":"long"},{"name":"note","type":"string"},
               {"name":"tags","type":["null",{"type":"array","items":["null","int"]}],"default":null},
               {"name":"at","type":{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}}"#,
        );
        let told: Vec<String> = differences(&old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "column \"id\" was int and is long",
                "column \"note\" (string) was added without a default",
                "column \"tags\" (nullable array of nullable int) was added",
                "column \"at\" was long Timestamp and is long MicroTimestamp",
                "column \"gone\" (nullable string) was removed",
            ]
        );
        let key =
            |kind: &str| format!(r#"{{"type":"record","name":"Key","fields":[{{"name":"id","type":"{kind}"}}]}}"#);
        assert_eq!(differences(&key("int"), &key("long")).len(), 1);
        assert_eq!(differences(&key("int"), &key("int")), []);
        assert_eq!(differences("", &key("int")), []);
    }
}
