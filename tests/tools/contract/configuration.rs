//! The property catalogue as a JSON Schema of connector files.
//!
//! What it cannot say is what takes more than one property to decide, and what a property's own check asks for beyond its
//! type; `walcast run` says that. `x-walcast-state` tells what walcast does with a property: `implemented`, `no effect`
//! with the reason, or `not yet`, where only the values that are listed are taken.

use serde_json::{Map, Value, json};
use walcast::config::catalogue;
use walcast::config::{Importance, Property, State, ValueType};

/// The whole document: a connector as Kafka Connect's REST takes it, or its properties alone.
pub(super) fn schema() -> Value {
    let mut names: Vec<(&str, Value)> = Vec::new();
    for property in catalogue::properties() {
        names.push((property.name, one(property)));
        for alias in property.aliases {
            names.push((alias, json!({"$ref": format!("#/$defs/properties/properties/{}", pointer(property.name)), "deprecated": true})));
        }
    }
    names.sort_by_key(|(name, _)| *name);
    let properties: Map<String, Value> = names.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut families: Vec<_> = catalogue::prefixes().collect();
    families.sort_by_key(|family| family.prefix);
    let patterns: Map<String, Value> = families
        .into_iter()
        .map(|family| {
            let mut members = Map::new();
            members.insert("description".to_owned(), json!(family.doc));
            state(family.state, &mut members);
            (format!("^{}.", family.prefix.replace('.', "\\.")), Value::Object(members))
        })
        .collect();
    let required: Vec<&str> =
        catalogue::properties().filter(|property| property.required).map(|property| property.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:walcast:schema:configuration",
        "title": "A connector of walcast",
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "config": {"$ref": "#/$defs/properties"}},
                "required": ["config"],
            },
            {"$ref": "#/$defs/properties"},
        ],
        "$defs": {
            "properties": {
                "type": "object",
                "properties": properties,
                "patternProperties": patterns,
                "required": required,
            },
            "reference": {
                "description": "A value that stands elsewhere: ${env:NAME}, ${file:PATH:KEY} and their like",
                "type": "string",
                "pattern": "\\$\\{",
            },
        },
    })
}

/// A name within a JSON pointer within a URI.
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn one(property: &Property) -> Value {
    let mut members = Map::new();
    members.insert("description".to_owned(), json!(property.doc));
    let values = match property.state {
        State::NotYet { harmless } => {
            let default = property.default.into_iter().chain(property.default.is_none().then_some(""));
            let all: Vec<&str> = default.chain(harmless.iter().copied()).collect();
            any_of(words(&all))
        }
        State::Implemented | State::NoEffect { .. } => values(property.value),
    };
    members.extend(values);
    if let Some(default) = property.default {
        members.insert("default".to_owned(), json!(default));
    }
    let importance = match property.importance {
        Importance::High => "high",
        Importance::Medium => "medium",
        Importance::Low => "low",
    };
    members.insert("x-walcast-importance".to_owned(), json!(importance));
    if property.value == ValueType::Password {
        members.insert("writeOnly".to_owned(), json!(true));
    }
    state(property.state, &mut members);
    Value::Object(members)
}

fn state(state: State, members: &mut Map<String, Value>) {
    let (word, reason) = match state {
        State::Implemented => ("implemented", None),
        State::NoEffect { reason } => ("no effect", Some(reason)),
        State::NotYet { .. } => ("not yet", None),
    };
    members.insert("x-walcast-state".to_owned(), json!(word));
    if let Some(reason) = reason {
        members.insert("x-walcast-reason".to_owned(), json!(reason));
    }
}

/// Any of these, or a reference.
fn any_of(mut choices: Vec<Value>) -> Map<String, Value> {
    choices.push(json!({"$ref": "#/$defs/reference"}));
    Map::from_iter([("anyOf".to_owned(), Value::Array(choices))])
}

fn values(value: ValueType) -> Map<String, Value> {
    match value {
        ValueType::Text | ValueType::Password | ValueType::Class | ValueType::List | ValueType::Patterns => {
            Map::from_iter([("type".to_owned(), json!(["string", "number", "boolean"]))])
        }
        ValueType::Bool => any_of(words(&["true", "false"])),
        ValueType::Integer { min, max } => any_of(vec![
            json!({"type": "integer", "minimum": min, "maximum": max}),
            json!({"type": "string", "pattern": "^\\s*[+-]?[0-9]+\\s*$"}),
        ]),
        ValueType::OneOf(all) => any_of(words(all)),
    }
}

/// One of these words, in any case, as text or as what JSON has for it.
fn words(words: &[&str]) -> Vec<Value> {
    let scalar =
        |word: &&str| serde_json::from_str(word).ok().filter(|value: &Value| value.is_boolean() || value.is_number());
    let all: Vec<Value> = words.iter().map(|word| json!(word)).chain(words.iter().filter_map(scalar)).collect();
    let in_any_case: Vec<String> = words.iter().map(|word| word.chars().map(in_any_case).collect()).collect();
    vec![json!({"enum": all}), json!({"type": "string", "pattern": format!("^\\s*({})\\s*$", in_any_case.join("|"))})]
}

/// A character as a pattern for itself.
fn in_any_case(c: char) -> String {
    match c {
        _ if c.is_ascii_alphabetic() => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
        _ if c.is_ascii_alphanumeric() || c == '_' => c.to_string(),
        _ => format!("\\u{:04x}", u32::from(c)),
    }
}
